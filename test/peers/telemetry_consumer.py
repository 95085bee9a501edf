"""An independent consumer of telemetry, written from ``docs/asyncapi.json`` alone.

It subscribes to every channel that robots send on, at one broker or several, and checks each message against the
schema of its channel, those in compressed batches as well. With ``--acknowledge`` it plays the fleet: it answers on
the channel that robots listen to. It prints a line of JSON after each message, ``{"valid": {stream: n},
"historical": {stream: n}, "errors": n}``, and a line ``invalid TOPIC: REASON`` for each violation. It ends when its
standard input does, with exit code 1 if anything was invalid.

    telemetry_consumer.py --document docs/asyncapi.json --broker 127.0.0.1:1883 [--acknowledge]
        [--ca FILE --certificate FILE --key FILE]
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import threading
import uuid
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import zstandard
from jsonschema import Draft202012Validator

Json = dict[str, Any]

# The document names no bound for a decompressed batch; a reader needs one.
MAX_BATCH_BYTES = 16 << 20


OUTPUT = threading.Lock()


def say(line: str) -> None:
    """Each broker has a thread of its own: a line is written as a whole."""
    with OUTPUT:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class Channel:
    """A channel of the document: its topics and the messages on them."""

    def __init__(self, document: Json, name: str) -> None:
        channel = document["channels"][name]
        self.name = name
        self.address: str = channel["address"]
        self.parameters = re.findall(r"{(\w+)}", self.address)
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.address)
        self.pattern = re.compile(f"^{pattern}$")
        (reference,) = channel["messages"].values()
        message = resolve(document, resolve(document, reference))
        self.content_type = message.get("contentType", document["defaultContentType"])
        payload = message["payload"]
        schema = payload["contentSchema"] if self.content_type == "application/zstd" else payload
        self.validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

    @property
    def filter(self) -> str:
        return re.sub(r"{\w+}", "+", self.address)

    def topic(self, parameters: dict[str, str]) -> str:
        return self.address.format(**parameters)

    def check(self, value: Any) -> None:
        error = next(self.validator.iter_errors(value), None)
        if error is not None:
            raise ValueError(f"{'.'.join(map(str, error.absolute_path))}: {error.message}")


def resolve(document: Json, node: Json) -> Json:
    """Follows a reference within the document."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


class Consumer:
    """Everything that the document's ``send`` operations describe, from one broker or several."""

    def __init__(self, document: Json, acknowledges: bool) -> None:
        self.sent: dict[str, tuple[Channel, int]] = {}
        self.answers: Channel | None = None
        for operation in document["operations"].values():
            name = operation["channel"]["$ref"].rsplit("/", 1)[1]
            channel = Channel(document, name)
            if operation["action"] == "send":
                self.sent[name] = (channel, operation["bindings"]["mqtt"]["qos"])
            elif name == "ack":
                self.answers = channel
        self.acknowledges = acknowledges
        self.boot_id = str(uuid.uuid4())
        self.answered = 0
        self.valid: Counter[str] = Counter()
        self.historical: Counter[str] = Counter()
        self.errors = 0
        self.lock = threading.Lock()

    def on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(channel.filter, qos) for channel, qos in self.sent.values()])

    def on_message(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        with self.lock:
            try:
                self.take(client, message.topic, message.payload)
            except Exception as error:
                self.errors += 1
                say(f"invalid {message.topic}: {error}")
            counts = {"valid": self.valid, "historical": self.historical, "errors": self.errors}
            say(json.dumps(counts))

    def take(self, client: mqtt.Client, topic: str, payload: bytes) -> None:
        channel, parameters = self.channel_of(topic)
        value = json.loads(unpack(payload) if channel.content_type == "application/zstd" else payload)
        channel.check(value)
        messages = [(channel.name, value)]
        if channel.content_type == "application/zstd":
            messages = [(one["stream"], self.old_message(one, parameters)) for one in value]
            self.historical.update(stream for stream, _ in messages)
        else:
            check_names(value, parameters)
        self.valid[channel.name] += 1
        if self.acknowledges and channel.name != "connection":
            self.acknowledge(client, parameters, messages)

    def channel_of(self, topic: str) -> tuple[Channel, dict[str, str]]:
        for channel, _ in self.sent.values():
            found = channel.pattern.match(topic)
            if found is not None:
                return channel, found.groupdict()
        raise ValueError("no channel has such a topic")

    def old_message(self, message: Json, parameters: dict[str, str]) -> Json:
        """A message of a batch, checked as if it had come on the channel of its stream."""
        value: Json = json.loads(message["payload"])
        channel, _ = self.sent[message["stream"]]
        channel.check(value)
        check_names(value, parameters)
        return value

    def acknowledge(self, client: mqtt.Client, parameters: dict[str, str], messages: list[tuple[str, Json]]) -> None:
        assert self.answers is not None
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        answer = {
            "headerId": self.answered,
            "timestamp": now,
            "version": messages[0][1]["version"],
            "manufacturer": "An independent fleet",
            "serialNumber": parameters["robot"],
            "node": parameters["node"],
            "bootId": self.boot_id,
            "acks": [
                {
                    "stream": stream,
                    "bootId": value["bootId"],
                    "ranges": [[value.get("firstHeaderId", value["headerId"]), value["headerId"]]],
                }
                for stream, value in messages
            ],
        }
        self.answers.check(answer)
        self.answered += 1
        client.publish(self.answers.topic(parameters), json.dumps(answer), qos=1)


def unpack(payload: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(payload)) as reader:
        unpacked = reader.read(MAX_BATCH_BYTES + 1)
    if len(unpacked) > MAX_BATCH_BYTES:
        raise ValueError("the batch is too large")
    return unpacked


def check_names(value: Json, parameters: dict[str, str]) -> None:
    """The document: ``robot`` is the serialNumber of the messages, ``node`` their node."""
    if (value["serialNumber"], value["node"]) != (parameters["robot"], parameters["node"]):
        raise ValueError(f"it is of {value['serialNumber']}/{value['node']}")


def connect(consumer: Consumer, address: str, options: argparse.Namespace) -> mqtt.Client:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"consumer-{uuid.uuid4()}", protocol=mqtt.MQTTv5)
    if options.ca is not None:
        client.tls_set(options.ca, options.certificate, options.key)
    client.on_connect = consumer.on_connect
    client.on_subscribe = lambda *_: say(f"subscribed {address}")
    client.on_message = consumer.on_message
    client.reconnect_delay_set(1, 1)
    host, port = address.rsplit(":", 1)
    client.connect_async(host, int(port))
    client.loop_start()
    return client


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--document", type=Path, required=True)
    parser.add_argument("--broker", action="append", required=True)
    parser.add_argument("--acknowledge", action="store_true")
    parser.add_argument("--ca")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    options = parser.parse_args()
    consumer = Consumer(json.loads(options.document.read_text()), options.acknowledge)
    clients = [connect(consumer, address, options) for address in options.broker]
    sys.stdin.read()
    for client in clients:
        client.disconnect()
        client.loop_stop()
    return 1 if consumer.errors > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
