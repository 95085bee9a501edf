"""A stranger's player: publishes /clock as ``ros2 bag play --clock`` does, and tells the stamps of a camera, or
sends pictures itself.

    clock_player.py --listen /camera/image_raw --count 20 [--start 1550000000] [--clock-rate 40]
    clock_player.py --send /front/image_raw --count 60 --rate 30 [--stamps clock|fixed|loop] [--no-clock]

While it listens, each frame is one JSON line ``{"sec": ..., "nanosec": ...}``. Sent pictures are stamped with
the newest clock, with one stamp over and over, or with six stamps over and over. The last line is
``{"frames": n}``.
"""

from __future__ import annotations

import argparse
import json
import time

import rclpy
from builtin_interfaces.msg import Time
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

LOOP = 6
LOOP_STEP_NS = 33_000_000


def picture(stamp: Time) -> Image:
    """A small gray picture."""
    image = Image(height=48, width=64, encoding="mono8", step=64, data=bytes(48 * 64))
    image.header.stamp = stamp
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen")
    parser.add_argument("--send")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--rate", type=float, default=30)
    parser.add_argument("--clock-rate", type=float, default=40)
    parser.add_argument("--no-clock", action="store_true")
    parser.add_argument("--start", type=int, default=1550000000)
    parser.add_argument("--stamps", choices=("clock", "fixed", "loop"), default="clock")
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()

    rclpy.init()
    node = rclpy.create_node("clock_player")
    sensor = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    # rclcpp::ClockQoS, which rosbag2 publishes with
    clock_qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    clock = None if args.no_clock else node.create_publisher(Clock, "/clock", clock_qos)
    frames = 0

    def hear(image: Image) -> None:
        nonlocal frames
        frames += 1
        print(json.dumps({"sec": image.header.stamp.sec, "nanosec": image.header.stamp.nanosec}))

    if args.listen:
        node.create_subscription(Image, args.listen, hear, sensor)
    sender = node.create_publisher(Image, args.send, sensor) if args.send else None
    begin = time.monotonic()
    now = Time(sec=args.start)
    next_clock = next_frame = begin
    while frames < args.count and time.monotonic() - begin < args.seconds:
        passed = time.monotonic()
        if clock is not None and passed >= next_clock:
            next_clock += 1 / args.clock_rate
            nanoseconds = int((passed - begin) * 1e9)
            now = Time(sec=args.start + nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
            clock.publish(Clock(clock=now))
        if sender is not None and passed >= next_frame and sender.get_subscription_count() > 0:
            next_frame = passed + 1 / args.rate
            stamp = now
            if args.stamps != "clock":
                index = frames % LOOP if args.stamps == "loop" else 0
                stamp = Time(sec=args.start, nanosec=index * LOOP_STEP_NS)
            sender.publish(picture(stamp))
            frames += 1
        rclpy.spin_once(node, timeout_sec=0.002)
    print(json.dumps({"frames": frames}))
    # The last picture must have left before the publisher goes.
    time.sleep(0.5)
    rclpy.shutdown()


if __name__ == "__main__":
    main()
