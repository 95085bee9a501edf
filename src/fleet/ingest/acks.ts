import { NumberSet } from '../../core/ledger/number-set.ts';
import { MAX_ACKS, MAX_RANGES } from '../../contract/telemetry/ranges.ts';
import type { StreamPayload } from '../../contract/telemetry/payloads.ts';
import type { Speaker } from '../../contract/telemetry/speaker.ts';
import { RobotMessages } from '../outbound/robot-messages.ts';
import type { MessageIdentity } from '../store/fleet-message.ts';

/** What acknowledgements are sent through. */
export interface AckLink {
  readonly canPublish: boolean;
  publish(topic: string, payload: string, onSettled: () => void): void;
}

/** Robots whose acknowledgements wait; beyond it they are dropped, and the robots send again. */
const MAX_WAITING = 50_000;

interface Pending {
  readonly sender: Speaker;
  /** by stream and boot */
  readonly numbers: Map<
    string,
    { readonly stream: string; readonly bootId: string; readonly set: NumberSet }
  >;
}

/**
 * Tells robots what is stored, over the broker that they sent it through. As long as a broker takes no more, what
 * would be said to one robot is joined into one message.
 */
export class AckSender {
  readonly #link: AckLink;
  readonly #messages: RobotMessages<'ack'>;
  readonly #pending = new Map<string, Pending>();
  #dropped = 0;

  /** @param bootId of this process */
  constructor(link: AckLink, bootId: string) {
    this.#link = link;
    this.#messages = new RobotMessages('ack', bootId);
  }

  get sent(): number {
    return this.#messages.count;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get waiting(): number {
    return this.#pending.size;
  }

  /** Messages that are on the database's disk, stored or whole in quarantine. */
  add(messages: readonly MessageIdentity[]): void {
    for (const { sender, stream, bootId, firstId, lastId } of messages) {
      const key = `${sender.site}/${sender.robot}/${sender.node}`;
      let pending = this.#pending.get(key);
      if (pending === undefined) {
        if (this.#pending.size >= MAX_WAITING) {
          this.#dropped += 1;
          continue;
        }
        pending = { sender, numbers: new Map() };
        this.#pending.set(key, pending);
      }
      const row = `${stream}/${bootId}`;
      const numbers = pending.numbers.get(row) ?? { stream, bootId, set: new NumberSet() };
      pending.numbers.set(row, numbers);
      numbers.set.add(firstId, lastId);
    }
    this.resume();
  }

  /** Sends what waits, as far as the broker takes it; also when a connection is new. */
  readonly resume = (): void => {
    for (const [key, { sender, numbers }] of this.#pending) {
      if (!this.#link.canPublish) return;
      this.#pending.delete(key);
      for (const acks of messagesOf(numbers)) {
        const { topic, payload } = this.#messages.compose(sender, { acks });
        this.#link.publish(topic, payload, this.resume);
      }
    }
  };
}

type Acks = StreamPayload<'ack'>['acks'];

/** As few messages as the bounds of the contract allow: together, the rows of one have no more ranges than one may. */
function messagesOf(numbers: Pending['numbers']): Acks[] {
  const messages: Acks[] = [];
  let acks: Acks = [];
  let left = 0;
  for (const { stream, bootId, set } of numbers.values()) {
    const ranges = set.ranges().map(([first, last]): [number, number] => [first, last]);
    for (let at = 0; at < ranges.length;) {
      if (left === 0 || acks.length === MAX_ACKS) {
        acks = [];
        left = MAX_RANGES;
        messages.push(acks);
      }
      const some = ranges.slice(at, at + left);
      acks.push({ stream, bootId, ranges: some });
      left -= some.length;
      at += some.length;
    }
  }
  return messages;
}
