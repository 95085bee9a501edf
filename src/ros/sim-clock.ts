import { systemClock } from '../platform/clock.ts';
import { makeQos } from './qos.ts';
import { rcl, type RosNode, type RosSubscription } from './rcl.ts';

const TOPIC = '/clock';
const TYPE = 'rosgraph_msgs/msg/Clock';

/** What rclnodejs keeps to itself: the object that carries `/clock` to a node's clocks. */
interface TimeSource {
  _node: RosNode | undefined;
  _clockSubscription: RosSubscription | undefined;
  _subscribeToClockTopic(): void;
  _clockCallback(message: unknown): void;
}

/**
 * Lets a node's clock hear `/clock` as rclcpp's and rclpy's do: best effort, the newest message. rclnodejs
 * asks for reliable, which never matches `ros2 bag play --clock`, and the node's time then stays 0.
 */
export class SimClock {
  readonly #node: RosNode;
  /** monotonic milliseconds since which the node waits for its first `/clock`; `null` where it does not */
  #waitingSince: number | null = null;
  #wasHeard = false;

  /** Right after the node was made, before `use_sim_time` is set. */
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

  /** Words for a clock that is asked for and has not come within `seconds`; `undefined` where all is well. */
  trouble(seconds: number): string | undefined {
    if (!this.isSimulated || this.#wasHeard || rcl.isShutdown()) {
      this.#waitingSince = null;
      return undefined;
    }
    const now = systemClock.monotonicMs();
    this.#waitingSince ??= now;
    if (now - this.#waitingSince < seconds * 1000) return undefined;
    return (
      'use_sim_time is set and no /clock came, so this node does not know the time: ' +
      'start the simulator or "ros2 bag play --clock", or set use_sim_time:=false'
    );
  }
}
