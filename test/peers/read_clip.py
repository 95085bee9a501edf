"""Reads a clip with the MCAP reader and the ROS 2 decoder of Foxglove's Python packages, front to back.

usage: read_clip.py FILE < SCHEMA. Prints JSON: metadata, for each topic the count, its definition and the first
message's fields, whether the file ended properly, and how many messages its index leads to. A file that was cut short
is read as far as its chunks are whole. Checksums must be there and right, times of a topic must not go back, and each
JSON message must follow the schema in the file; foxglove.ImageAnnotations also the one that Foxglove publishes, which
comes by standard input.
"""

import json
import sys

from jsonschema import Draft202012Validator
from mcap.exceptions import EndOfFile, McapError
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, DataEnd, Footer, Message, Metadata, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap_ros2.decoder import DecoderFactory

PUBLISHED = json.load(sys.stdin)

schemas: dict[int, Schema] = {}
channels: dict[int, Channel] = {}
topics: dict[str, dict] = {}
metadata: dict[str, dict] = {}
newest: dict[int, int] = {}
validators: dict[int, Draft202012Validator] = {}
published = Draft202012Validator(PUBLISHED)


def decode(channel: Channel, schema: Schema, data: bytes) -> dict:
    if channel.message_encoding == "json":
        assert schema.encoding == "jsonschema", schema.encoding
        validators[schema.id].validate(json.loads(data))
        if schema.name == PUBLISHED["title"]:
            published.validate(json.loads(data))
        return json.loads(data)
    assert schema.encoding == "ros2msg", schema.encoding
    decoder = DecoderFactory().decoder_for(channel.message_encoding, schema)
    assert decoder is not None, schema.name
    message = decoder(data)
    stamp = message.header.stamp
    fields = {"stamp": [stamp.sec, stamp.nanosec], "frame_id": message.header.frame_id}
    if schema.name == "sensor_msgs/msg/CompressedImage":
        return {**fields, "format": message.format, "bytes": len(message.data), "start": list(message.data[:3])}
    boxes = [
        {
            "label": detection.results[0].hypothesis.class_id,
            "center": [detection.bbox.center.position.x, detection.bbox.center.position.y],
            "size": [detection.bbox.size_x, detection.bbox.size_y],
        }
        for detection in message.detections
    ]
    return {**fields, "boxes": boxes}


def take(record: object) -> None:
    if isinstance(record, Schema):
        schemas[record.id] = record
        if record.encoding == "jsonschema":
            validators[record.id] = Draft202012Validator(json.loads(record.data))
    elif isinstance(record, Channel):
        channels[record.id] = record
    elif isinstance(record, Metadata):
        metadata[record.name] = record.metadata
    elif isinstance(record, Message):
        channel = channels[record.channel_id]
        schema = schemas[channel.schema_id]
        assert record.log_time >= newest.get(channel.id, 0), channel.topic
        newest[channel.id] = record.log_time
        message = decode(channel, schema, record.data)
        found = {"type": schema.name, "count": 0, "definition": schema.data.decode(), "first": message}
        topic = topics.setdefault(channel.topic, found)
        topic["count"] += 1


def indexed(path: str) -> int:
    """Messages that the index leads to, as readers find them that do not read the whole file."""
    with open(path, "rb") as file:
        return sum(1 for _ in make_reader(file, validate_crcs=True).iter_messages())


complete = False
with open(sys.argv[1], "rb") as file:
    try:
        reader = StreamReader(file, emit_chunks=True, record_size_limit=None, validate_crcs=True)
        for record in reader.records:
            if isinstance(record, Chunk):
                assert record.uncompressed_crc != 0, "a chunk without a checksum"
                for inner in breakup_chunk(record, validate_crc=True):
                    take(inner)
            else:
                take(record)
            if isinstance(record, DataEnd):
                assert record.data_section_crc != 0, "no checksum of the data"
            if isinstance(record, Footer):
                assert record.summary_crc != 0, "no checksum of the index"
                complete = True
    except (EndOfFile, McapError) as error:
        print(f"cut short: {error!r}", file=sys.stderr)
found = {"complete": complete, "metadata": metadata, "topics": topics}
print(json.dumps({**found, "indexed": indexed(sys.argv[1]) if complete else 0}))
