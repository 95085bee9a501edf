"""Reads a clip with the MCAP reader and the ROS 2 decoder of Foxglove's Python packages, front to back.

usage: read_clip.py FILE. Prints JSON: metadata, and for each topic the count, the first message's fields, and whether
the file ended properly. A file that was cut short is read as far as its chunks are whole.
"""

import json
import sys

from mcap.exceptions import EndOfFile, McapError
from mcap.records import Channel, Chunk, Footer, Message, Metadata, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap_ros2.decoder import DecoderFactory

schemas: dict[int, Schema] = {}
channels: dict[int, Channel] = {}
topics: dict[str, dict] = {}
metadata: dict[str, dict] = {}


def decode(channel: Channel, schema: Schema, data: bytes) -> dict:
    if channel.message_encoding == "json":
        json.loads(schema.data)
        return json.loads(data)
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
    elif isinstance(record, Channel):
        channels[record.id] = record
    elif isinstance(record, Metadata):
        metadata[record.name] = record.metadata
    elif isinstance(record, Message):
        channel = channels[record.channel_id]
        schema = schemas[channel.schema_id]
        message = decode(channel, schema, record.data)
        topic = topics.setdefault(channel.topic, {"type": schema.name, "count": 0, "first": message})
        topic["count"] += 1


complete = False
with open(sys.argv[1], "rb") as file:
    try:
        for record in StreamReader(file, emit_chunks=True, record_size_limit=None).records:
            if isinstance(record, Chunk):
                for inner in breakup_chunk(record, validate_crc=True):
                    take(inner)
            else:
                take(record)
            complete = complete or isinstance(record, Footer)
    except (EndOfFile, McapError) as error:
        print(f"cut short: {error!r}", file=sys.stderr)
print(json.dumps({"complete": complete, "metadata": metadata, "topics": topics}))
