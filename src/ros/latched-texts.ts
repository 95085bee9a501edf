import { LATCHED_QOS, makeQos } from './qos.ts';
import { MESSAGE, type RosNode } from './rcl.ts';

interface TextPublisher {
  publish(message: { readonly data: string }): void;
}

/**
 * Texts (`std_msgs/msg/String`) on topics of a node, each with the newest one for late subscribers. A publisher is made
 * with the first text of its topic, and lives as long as the node.
 */
export class LatchedTexts {
  readonly #node: RosNode;
  readonly #publishers = new Map<string, TextPublisher>();

  constructor(node: RosNode) {
    this.#node = node;
  }

  /** @throws rcl's error for a name that is no topic */
  publish(topic: string, text: string): void {
    const publisher =
      this.#publishers.get(topic) ??
      this.#node.createPublisher(MESSAGE.string, topic, { qos: makeQos(LATCHED_QOS) });
    this.#publishers.set(topic, publisher);
    publisher.publish({ data: text });
  }
}
