import { systemClock } from '../platform/clock.ts';
import { makeQos } from './qos.ts';
import { rcl, type RosNode, type RosSubscription } from './rcl.ts';

const TOPIC = '/clock';
const TYPE = 'rosgraph_msgs/msg/Clock';

/** A private member of rclnodejs: the object that passes `/clock` to a node's clocks. */
interface TimeSource {
  _node: RosNode | undefined;
  _clockSubscription: RosSubscription | undefined;
  _subscribeToClockTopic(): void;
  _clockCallback(message: unknown): void;
}

/**
 * Subscribes a node's clock to `/clock` as rclcpp and rclpy do: best effort, newest message. rclnodejs asks for
 * reliable, which never matches `ros2 bag play --clock`, so that the node's time stays 0.
 */
export class SimClock {
  readonly #node: RosNode;
  /** monotonic milliseconds since when the node has waited for its first `/clock`; `null` if it is not waiting */
  #waitingSince: number | null = null;
  #wasHeard = false;

  /** Call right after the node was created, before `use_sim_time` is set. */
  constructor(node: RosNode) {
    this.#node = node;
    const source = (node as unknown as { _timeSource: TimeSource })._timeSource;
    source._subscribeToClockTopic = () => {
      if (source._clockSubscription !== undefined || source._node === undefined) return;
      const qos = makeQos({ reliability: 'best_effort', depth: 1 });
      source._clockSubscription = node.createSubscription(TYPE, TOPIC, { qos }, (message: unknown) => {
        this.#wasHeard = true;
        source._clockCallback(message);
      });
    };
    if (source._clockSubscription !== undefined) {
      node.destroySubscription(source._clockSubscription);
      source._clockSubscription = undefined;
      source._subscribeToClockTopic();
    }
  }

  /** True while `use_sim_time` is set, also at run time. */
  get isSimulated(): boolean {
    return this.#node.getParameter('use_sim_time').value === true;
  }

  /** The message if simulated time is on and `/clock` has not arrived within `seconds`; otherwise `undefined`. */
  trouble(seconds: number): string | undefined {
    if (!this.isSimulated || this.#wasHeard || rcl.isShutdown()) {
      this.#waitingSince = null;
      return undefined;
    }
    const now = systemClock.monotonicMs();
    this.#waitingSince ??= now;
    if (now - this.#waitingSince < seconds * 1000) return undefined;
    return (
      'use_sim_time is set but no /clock message has arrived, so this node does not know the time: ' +
      'start the simulator or "ros2 bag play --clock", or set use_sim_time:=false'
    );
  }
}
