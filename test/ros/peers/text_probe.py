"""A stranger's late listener: prints what std_msgs/String topics say, one JSON line a message.

    text_probe.py --topic /goshawk/detector/drift [--topic ...] [--count 3]

It asks for what was said before it came (transient local). Each line: ``{"topic": ..., "data": ...}``. Ends after
``--count`` messages.
"""

from __future__ import annotations

import argparse
import json

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String


def main() -> None:
    """Listens until enough messages came."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--topic", action="append", required=True)
    parser.add_argument("--count", type=int, default=3)
    arguments = parser.parse_args()
    rclpy.init()
    node = Node("text_probe")
    qos = QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=10,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
    received: list[dict[str, str]] = []
    for topic in arguments.topic:
        node.create_subscription(
            String,
            topic,
            lambda message, topic=topic: received.append({"topic": topic, "data": message.data}),
            qos,
        )
    printed = 0
    while printed < arguments.count:
        rclpy.spin_once(node, timeout_sec=0.5)
        for line in received[printed:]:
            print(json.dumps(line), flush=True)
            printed += 1
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
