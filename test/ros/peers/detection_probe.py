"""A stranger's listener: receives detections as bytes and says, one JSON line a message, what rclpy makes of them.

    detection_probe.py --topic /front/detections [--count 10] [--seconds 30]

Each line: ``{"stamp": [sec, nanosec], "frame_id": ..., "same_bytes": bool, "detections": [{"class_id",
"score", "box", "id"}, ...]}``. ``same_bytes`` is true where rclpy's own serialization of the message gives
the bytes that came. rclpy leaves what happened to be in memory in the gaps of alignment, so bytes may differ
that no reader looks at. The last line is ``{"received": n}``.
"""

from __future__ import annotations

import argparse
import json
import signal
import time

import rclpy
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message
from vision_msgs.msg import Detection2DArray


def is_same(raw: bytes, message: Detection2DArray) -> bool:
    """Whether rclpy writes these bytes for the message, gaps of alignment aside."""
    written = serialize_message(message)
    # The middleware fills a payload up to a multiple of four.
    written += bytes(-len(written) % 4)
    if len(written) != len(raw):
        return False
    return all(is_gap(raw, at, message) for at in range(len(raw)) if raw[at] != written[at])


def is_gap(raw: bytes, at: int, message: Detection2DArray) -> bool:
    """Whether the byte means nothing: the message reads the same with another value there."""
    changed = bytearray(raw)
    changed[at] ^= 0xFF
    try:
        return deserialize_message(bytes(changed), Detection2DArray) == message
    except Exception:  # rclpy raises whatever the middleware's reader found
        return False


def describe(raw: bytes) -> dict[str, object]:
    """What one serialized message holds."""
    message = deserialize_message(raw, Detection2DArray)
    detections = []
    for detection in message.detections:
        hypothesis = detection.results[0].hypothesis
        center = detection.bbox.center.position
        detections.append(
            {
                "class_id": hypothesis.class_id,
                "score": hypothesis.score,
                "box": [center.x, center.y, detection.bbox.size_x, detection.bbox.size_y],
                "id": detection.id,
                "frame_id": detection.header.frame_id,
            }
        )
    return {
        "stamp": [message.header.stamp.sec, message.header.stamp.nanosec],
        "frame_id": message.header.frame_id,
        "same_bytes": is_same(raw, message),
        "detections": detections,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()

    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    rclpy.init(signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    node = Node("detection_probe")
    received = 0

    def on_message(raw: bytes) -> None:
        nonlocal received
        if received < arguments.count:
            received += 1
            print(json.dumps(describe(raw)), flush=True)

    node.create_subscription(Detection2DArray, arguments.topic, on_message, 10, raw=True)
    end = time.monotonic() + arguments.seconds
    while not stopped and received < arguments.count and time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.1)
    print(json.dumps({"received": received}), flush=True)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
