"""Publishes one raw picture again and again, as a camera driver in another process would.

    raw_camera.py --topic /front/image_raw --file picture.rgb --width 640 --height 480 [--rate 10] [--count 0]
                  [--reliability best_effort|reliable] [--frame-id front_optical] [--encoding rgb8]

The file holds the rows of the picture without padding; without a file the picture is gray. A line
``publishing`` is printed once frames flow. Ends at SIGINT or SIGTERM, or after ``--count`` frames.
"""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

import rclpy
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

BYTES_PER_PIXEL = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}


def build_image(arguments: argparse.Namespace) -> Image:
    """The message that is sent with a new stamp each time."""
    step = arguments.width * BYTES_PER_PIXEL[arguments.encoding]
    pixels = arguments.file.read_bytes() if arguments.file else bytes([128]) * (step * arguments.height)
    if len(pixels) != step * arguments.height:
        raise SystemExit(f"{arguments.file}: {len(pixels)} bytes are no {arguments.width}x{arguments.height} picture")
    image = Image(
        height=arguments.height, width=arguments.width, encoding=arguments.encoding, is_bigendian=0, step=step
    )
    image.header.frame_id = arguments.frame_id
    image.data.frombytes(pixels)
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--encoding", choices=sorted(BYTES_PER_PIXEL), default="rgb8")
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--reliability", choices=["best_effort", "reliable"], default="best_effort")
    parser.add_argument("--frame-id", default="front_optical")
    arguments = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    rclpy.init(signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    node = Node("raw_camera")
    reliability = ReliabilityPolicy[arguments.reliability.upper()]
    qos = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=reliability)
    publisher = node.create_publisher(Image, arguments.topic, qos)
    image = build_image(arguments)
    sent = 0
    print("publishing", flush=True)
    while not stop.wait(1.0 / arguments.rate):
        image.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(image)
        sent += 1
        if arguments.count and sent == arguments.count:
            break
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
