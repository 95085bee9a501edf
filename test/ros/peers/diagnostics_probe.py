"""A stranger's listener: prints diagnostics as rclpy reads them, one JSON line a message.

    diagnostics_probe.py --topic /goshawk/telemetry/status [--count 3]

Each line: ``{"hardware_id": ..., "status": {name: {"level": n, "message": ..., "values": {key: value}}}}``.
"""

from __future__ import annotations

import argparse
import json

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node


def describe(array: DiagnosticArray) -> dict[str, object]:
    """What one message holds."""
    return {
        "hardware_id": array.status[0].hardware_id if array.status else "",
        "status": {
            status.name: {
                "level": int.from_bytes(status.level, "little"),
                "message": status.message,
                "values": {pair.key: pair.value for pair in status.values},
            }
            for status in array.status
        },
    }


def main() -> None:
    """Listens until enough messages came."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--topic", required=True)
    parser.add_argument("--count", type=int, default=3)
    arguments = parser.parse_args()
    rclpy.init()
    node = Node("diagnostics_probe")
    received: list[DiagnosticArray] = []
    node.create_subscription(DiagnosticArray, arguments.topic, received.append, 10)
    printed = 0
    while printed < arguments.count:
        rclpy.spin_once(node, timeout_sec=0.5)
        for array in received[printed:]:
            print(json.dumps(describe(array)), flush=True)
            printed += 1
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
