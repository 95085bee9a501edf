import { payloadSchemaOf, type StreamPayload } from '../../contract/telemetry/payloads.ts';
import type { Speaker } from '../../contract/telemetry/speaker.ts';
import type { Stream } from '../../contract/telemetry/streams.ts';
import { readPayload, readTopic } from '../check/read-message.ts';
import type { Received } from '../check/received.ts';
import { isNewer } from './connection-order.ts';

type Connection = StreamPayload<'connection'>;
export type ConnectionState = Connection['connectionState'];

const CHANGES_MS = 120_000;
const RULES = { schema: payloadSchemaOf('connection'), maxBytes: 4_096 };
const STREAM: Stream = 'connection';

/** Whether a topic is that of a connection. */
export function isConnection(topic: string): boolean {
  return topic.endsWith(`/${STREAM}`);
}

/** What a detector or the broker said last of its connection, and the broker that it came from. */
interface Known {
  readonly body: Connection;
  readonly link: number;
}

/**
 * Who is connected. Brokers retain this, so that an ingestor has it from the moment it subscribes, and nothing of it is
 * stored.
 */
export class Presence {
  readonly #known = new Map<string, Known>();
  /** robots whose connection changed lately, the latest last, and when: milliseconds of this process's clock */
  readonly #changes = new Map<string, number>();

  /**
   * Takes a message of a connection; an older one than that which is known changes nothing. An empty one is what a
   * broker sends when somebody deletes the retained one.
   * @throws Refused if it is not one
   */
  take({ topic, payload, receivedMs, link, isRetained = false }: Received): void {
    const { sender } = readTopic(topic);
    const key = `${sender.site}/${sender.robot}/${sender.node}`;
    const before = this.#known.get(key);
    if (payload.length === 0) {
      if (before?.link !== link) return;
      this.#known.delete(key);
      this.#noteChange(sender, receivedMs);
      return;
    }
    const { body } = readPayload(RULES, { sender, payload });
    if (before !== undefined && !isNewer(body, before.body, isRetained)) return;
    this.#known.set(key, { body, link });
    if (body.connectionState !== before?.body.connectionState) this.#noteChange(sender, receivedMs);
  }

  #noteChange({ site, robot }: Speaker, atMs: number): void {
    const name = `${site}/${robot}`;
    this.#changes.delete(name);
    this.#changes.set(name, atMs);
    for (const [oldest, oldestMs] of this.#changes) {
      if (oldestMs >= atMs - CHANGES_MS) return;
      this.#changes.delete(oldest);
    }
  }

  /** Robots whose connection changed since then, two minutes back at most. */
  changedSince(
    sinceMs: number,
  ): readonly { readonly site: string; readonly robot: string; readonly atMs: number }[] {
    return [...this.#changes].flatMap(([name, atMs]) => {
      const [site = '', robot = ''] = name.split('/');
      return atMs > sinceMs ? [{ site, robot, atMs }] : [];
    });
  }

  /** Detectors that are connected, by what they or the broker said last. */
  get connected(): number {
    let count = 0;
    for (const { body } of this.#known.values())
      if (body.connectionState === 'ONLINE' || body.connectionState === 'HIBERNATING') count += 1;
    return count;
  }

  /** The last state that a detector sent; null if it sent none. */
  stateOf(site: string, robot: string, node: string): ConnectionState | null {
    return this.#known.get(`${site}/${robot}/${node}`)?.body.connectionState ?? null;
  }
}
