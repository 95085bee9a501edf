import { runMicrotasksSoon } from './event-loop.ts';
import { makeQos, type QosPreference } from './qos.ts';
import type { MessageName, RosNode, RosSubscription } from './rcl.ts';

/** Sends serialized messages. */
export interface RawPublisher {
  readonly topic: string;
  /** number of matched subscriptions; a query of the middleware, so not for every frame of every topic */
  subscribers(): number;
  /** `bytes` is CDR with its 4-byte header; it may be reused immediately. Throws rcl's errors. */
  publish(bytes: Uint8Array): void;
  destroy(): void;
}

/** rclnodejs declares `subscriptionCount` as a method, but it is a getter. */
interface CountingPublisher {
  readonly subscriptionCount: number;
}

/** A publisher for serialized messages of the type. */
export function createRawPublisher(
  node: RosNode,
  type: MessageName,
  topic: string,
  qos: QosPreference,
): RawPublisher {
  const publisher = node.createPublisher(type, topic, { qos: makeQos(qos) });
  return {
    topic,
    subscribers: () => (publisher as unknown as CountingPublisher).subscriptionCount,
    publish: (bytes) => publisher.publish(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    destroy: () => node.destroyPublisher(publisher),
  };
}

/** An open subscription. */
export interface RawSubscription {
  readonly topic: string;
  destroy(): void;
}

/**
 * Subscribes to serialized messages: one copy out of the middleware, none after it. An exception in `onMessage` would
 * be lost in native code, so it goes to `onError`.
 */
export function subscribeRaw(
  node: RosNode,
  type: MessageName,
  topic: string,
  qos: QosPreference,
  onMessage: (bytes: Uint8Array) => void,
  onError: (error: unknown) => void,
): RawSubscription {
  const subscription: RosSubscription = node.createSubscription(
    type,
    topic,
    { isRaw: true, qos: makeQos(qos) },
    (bytes: Buffer) => {
      try {
        onMessage(bytes);
      } catch (error) {
        onError(error);
      }
      runMicrotasksSoon();
    },
  );
  return {
    topic,
    destroy: () => node.destroySubscription(subscription),
  };
}
