"""Takes a managed node through transitions, as a lifecycle manager would.

    lifecycle.py --node /goshawk/detector deactivate cleanup configure activate

Prints one JSON line for each transition: {"transition": "cleanup", "success": true}. Ends with 1 where one fails.
"""

from __future__ import annotations

import argparse
import json

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node

IDS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}
TIMEOUT_S = 30.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--node", required=True)
    parser.add_argument("transitions", nargs="+", choices=sorted(IDS))
    arguments = parser.parse_args()
    rclpy.init()
    node = Node("lifecycle_manager")
    client = node.create_client(ChangeState, f"{arguments.node}/change_state")
    if not client.wait_for_service(TIMEOUT_S):
        raise SystemExit(f"{arguments.node} offers no change_state")
    for name in arguments.transitions:
        answer = client.call_async(ChangeState.Request(transition=Transition(id=IDS[name])))
        rclpy.spin_until_future_complete(node, answer, timeout_sec=TIMEOUT_S)
        success = answer.result() is not None and answer.result().success
        print(json.dumps({"transition": name, "success": success}), flush=True)
        if not success:
            raise SystemExit(1)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
