import { randomUUID } from 'node:crypto';
import { createRandom } from '../../core/random.ts';
import { memoryStore } from '../../device/telemetry/outbox/memory-store.ts';
import { StreamSender } from '../../device/telemetry/stream-sender.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { brokersFor } from '../../platform/mqtt/broker-list.ts';
import { MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import { LOAD_STREAMS, simulatedMetrics, simulatedState } from './payloads.ts';

/** How much faster than the machine's its clock runs: messages are sent again after 3 s instead of 15. */
const HASTE = 5;
const HASTY_CLOCK: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() * HASTE,
  startTimer: (callback, ms) => systemClock.startTimer(callback, ms / HASTE),
};
/** A real robot's, shortened in the same way. */
const TIMING = { firstMs: 2_000, maxMs: 12_000, lookMs: 24_000 };

/**
 * A robot with the sender, the link and the failover of a real one; its outbox is in memory, since its process is not
 * killed.
 */
export class SenderRobot {
  readonly #sender: StreamSender;
  readonly #bodies: Readonly<Record<(typeof LOAD_STREAMS)[number], object>>;
  readonly #last = new Map<string, number>();
  readonly #bootId = randomUUID();
  #waiting = 0;
  /** connections to another broker than its first */
  failovers = 0;

  /** @param urls of brokers, in any order */
  constructor(robot: string, urls: readonly string[], seed: number) {
    const site = 'load';
    const mine = brokersFor(`${site}/${robot}`, urls);
    const random = createRandom(seed);
    this.#bodies = { metrics: simulatedMetrics(random, Date.now()), state: simulatedState(random) };
    this.#sender = new StreamSender(
      { site, robot, node: 'detector', manufacturer: 'Goshawk', bootId: this.#bootId },
      {
        createLink: (link, events) => new MqttLink({ ...link, urls: mine, timing: TIMING }, events),
        openDisk: () => Promise.resolve(memoryStore()),
        post: (message) => {
          if (message.type === 'counts')
            this.#waiting = Object.values(message.streams).reduce((sum, { waiting }) => sum + waiting, 0);
          if (message.type === 'link' && message.connected && message.url !== mine[0]) this.failovers += 1;
        },
        onMade: (stream, payload) => {
          const { headerId } = JSON.parse(payload) as { readonly headerId: number };
          this.#last.set(stream, Math.max(headerId, this.#last.get(stream) ?? 0));
        },
        clock: HASTY_CLOCK,
        bytesPerDay: 0,
      },
    );
  }

  /** Messages that are not acknowledged; as of a moment ago. */
  get waiting(): number {
    return this.#waiting;
  }

  start(): Promise<void> {
    return this.#sender.start();
  }

  /** A window and a state. */
  produce(): void {
    for (const stream of LOAD_STREAMS)
      this.#sender.receive({ type: 'message', stream, body: this.#bodies[stream] });
  }

  close(): Promise<void> {
    return this.#sender.close();
  }

  /** Lines `STREAM BOOT LAST` of what was produced. */
  producedLog(): string {
    return [...this.#last].map(([stream, last]) => `${stream} ${this.#bootId} ${last}\n`).join('');
  }
}
