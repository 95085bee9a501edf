"""A stranger's consumer of detections: counts arrays and measures stamp-to-receipt with the system clock.

Writes JSON to ``--report`` (else to its output) when it is asked to end (SIGINT, SIGTERM) or after
``--seconds``: ``{"received": n, "latencyMs": [...], "arrivals": [...], "boxes": n, "empty": n}``; arrivals
are seconds of the monotonic clock. A line ``listening`` is printed as soon as it listens.

    detection_listener.py --topic /camera/detections [--seconds 60] [--skip-seconds 2]
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from vision_msgs.msg import Detection2DArray


class Listener(Node):
    """Collects figures; frames of the first ``skip`` seconds after the first arrival are warm-up and not counted."""

    def __init__(self, topic: str, skip: float) -> None:
        super().__init__("detection_listener")
        self.skip = skip
        self.first: float | None = None
        self.latency_ms: list[float] = []
        self.arrivals: list[float] = []
        self.stamps: list[float] = []
        self.boxes = self.empty = self.skipped = 0
        self.create_subscription(Detection2DArray, topic, self.on_array, 10)

    def on_array(self, message: Detection2DArray) -> None:
        now_wall, now = time.time(), time.monotonic()
        if self.first is None:
            self.first = now
        if now - self.first < self.skip:
            self.skipped += 1
            return
        stamp = message.header.stamp.sec + message.header.stamp.nanosec * 1e-9
        self.latency_ms.append((now_wall - stamp) * 1e3)
        self.arrivals.append(now)
        self.stamps.append(stamp)
        self.boxes += len(message.detections)
        self.empty += 0 if message.detections else 1

    def report(self) -> dict[str, object]:
        return {
            "received": len(self.arrivals),
            "skipped": self.skipped,
            "latencyMs": [round(value, 3) for value in self.latency_ms],
            "arrivals": [round(value, 6) for value in self.arrivals],
            "stamps": [round(value, 6) for value in self.stamps],
            "boxes": self.boxes,
            "empty": self.empty,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topic", default="/camera/detections")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--report", type=Path)
    parser.add_argument("--skip-seconds", type=float, default=0.0)
    arguments = parser.parse_args()
    rclpy.init()
    node = Listener(arguments.topic, arguments.skip_seconds)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    stopped = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    print("listening", flush=True)
    end = time.monotonic() + arguments.seconds
    try:
        while not stopped and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)
    except ExternalShutdownException:
        pass
    text = json.dumps(node.report())
    if arguments.report is None:
        print(text, flush=True)
    else:
        arguments.report.write_text(text)
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
