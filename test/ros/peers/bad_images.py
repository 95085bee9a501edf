"""Publishes serialized images that are broken in known ways, then good ones.

    bad_images.py --topic /front/image_raw --rounds 3 [--rate 20]

Prints ``{"bad": n, "good": n}`` at the end. Bad: cut short, sizes and steps that lie, unknown encodings, no
pixels, noise.
"""

from __future__ import annotations

import argparse
import json
import random
import time

import rclpy
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

WIDTH, HEIGHT = 64, 48


def picture(**changes: object) -> Image:
    """A gray picture with fields changed."""
    fields = {
        "width": WIDTH,
        "height": HEIGHT,
        "encoding": "rgb8",
        "step": WIDTH * 3,
        "data": bytes(WIDTH * HEIGHT * 3),
    }
    fields.update(changes)
    image = Image()
    image.header.frame_id = "bad"
    for name, value in fields.items():
        setattr(image, name, value)
    return image


def broken() -> list[bytes]:
    """One message of each kind of fault."""
    good = serialize_message(picture())
    noise = random.Random(7)
    return [
        good[: len(good) // 2],
        good[:12],
        serialize_message(picture(width=0)),
        serialize_message(picture(height=0)),
        serialize_message(picture(step=3)),
        serialize_message(picture(width=100_000, height=100_000)),
        serialize_message(picture(height=HEIGHT * 2)),
        serialize_message(picture(data=b"")),
        serialize_message(picture(encoding="bayer_rggb12")),
        serialize_message(picture(encoding="")),
        b"\x00\x07" + good[2:],
        b"\x00\x01\x00\x00" + noise.randbytes(400),
        b"\x00\x00\x00\x00" + good[4:],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=20.0)
    arguments = parser.parse_args()
    rclpy.init()
    node = Node("bad_images")
    qos = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=50, reliability=ReliabilityPolicy.RELIABLE)
    publisher = node.create_publisher(Image, arguments.topic, qos)
    while publisher.get_subscription_count() == 0:
        time.sleep(0.05)
    bad = good = 0
    for _ in range(arguments.rounds):
        for raw in broken():
            publisher.publish(raw)
            bad += 1
            time.sleep(1.0 / arguments.rate)
    for _ in range(10):
        image = picture()
        image.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(image)
        good += 1
        time.sleep(0.1)
    print(json.dumps({"bad": bad, "good": good}), flush=True)
    time.sleep(0.5)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
