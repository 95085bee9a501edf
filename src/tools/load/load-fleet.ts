import { randomUUID } from 'node:crypto';
import type { StreamPayload } from '../../contract/telemetry/payloads.ts';
import { TELEMETRY_VERSION } from '../../contract/telemetry/topics.ts';
import { createRandom } from '../../core/random.ts';
import { Histogram } from '../../core/histogram.ts';
import { brokersFor } from '../../platform/mqtt/broker-list.ts';
import {
  LOAD_STREAMS,
  makeTemplate,
  simulatedMetrics,
  simulatedState,
  type Origin,
  type Template,
} from './payloads.ts';
import { QuickClient } from './quick-client.ts';

/** Robots of a site share one connection to each broker. */
const SITES = 10;
const NODE = 'detector';
const KEEP_ALIVE_SECONDS = 60;
const CHUNK_BYTES = 256 * 1024;
/** As a real robot: what is not acknowledged for so long is sent again. */
const RESEND_MS = 15_000;
const LOOK_MS = 1_000;
const PACE_MS = 5;

/** Streams of a robot, with the messages that wait for their acknowledgement. */
interface LoadStream {
  readonly template: Template;
  next: number;
  /** when it was sent, by number; in the order of numbers */
  readonly sentAt: Map<number, number>;
}

interface LoadRobot {
  readonly origin: Origin;
  readonly streams: readonly LoadStream[];
}

/** A connection with the robots that share it. */
interface Group {
  readonly url: string;
  readonly site: string;
  readonly robots: LoadRobot[];
  client: QuickClient | null;
  /** whose turn it is: robot and stream */
  turn: number;
}

export interface LoadFleetOptions {
  readonly robots: number;
  /** of brokers on this machine */
  readonly urls: readonly string[];
  /** messages that are not acknowledged, at most */
  readonly window: number;
  /** messages of all robots; null for as many as the window allows */
  readonly perSecond: number | null;
  readonly seed: number;
}

/**
 * Many robots in one process: each sends on its own topics and waits for its own acknowledgements, but they share
 * connections and send over the first broker of their list.
 */
export class LoadFleet {
  readonly #options: LoadFleetOptions;
  readonly #groups: readonly Group[];
  readonly #byName = new Map<string, LoadRobot>();
  readonly #timers: NodeJS.Timeout[] = [];
  #tokens: number;
  #isSending = false;
  #isPumping = false;
  #waiting = 0;
  /** milliseconds from sending to the acknowledgement, of what was acknowledged since `restartLatency` */
  readonly ackMs = new Histogram();
  published = 0;
  acknowledged = 0;
  resent = 0;

  constructor(options: LoadFleetOptions) {
    const { robots, urls, seed, perSecond } = options;
    this.#options = options;
    this.#tokens = perSecond === null ? Infinity : 0;
    const groups = new Map<string, Group>();
    const random = createRandom(seed);
    for (let index = 0; index < robots; index += 1) {
      const site = `load-${index % SITES}`;
      const origin = { site, robot: `r${index}`, node: NODE, bootId: randomUUID() };
      const [url = ''] = brokersFor(`${site}/${origin.robot}`, urls);
      const bodies = { metrics: simulatedMetrics(random, Date.now()), state: simulatedState(random) };
      const robot = {
        origin,
        streams: LOAD_STREAMS.map((stream) => ({
          template: makeTemplate(origin, stream, bodies[stream]),
          next: 0,
          sentAt: new Map<number, number>(),
        })),
      };
      const key = `${url} ${site}`;
      const group = groups.get(key) ?? { url, site, robots: [], client: null, turn: 0 };
      groups.set(key, group);
      group.robots.push(robot);
      this.#byName.set(origin.robot, robot);
    }
    this.#groups = [...groups.values()];
  }

  /** Messages that are not acknowledged. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Bytes of a payload, on average. */
  get payloadBytes(): number {
    const all = this.#groups.flatMap(({ robots }) => robots.flatMap(({ streams }) => streams));
    return all.reduce((sum, { template }) => sum + template.payloadBytes, 0) / all.length;
  }

  /** Templates of some robots, for payloads like theirs. */
  templates(count: number): readonly Template[] {
    return this.#groups
      .flatMap(({ robots }) => robots)
      .slice(0, count)
      .flatMap(({ streams }) => streams.map(({ template }) => template));
  }

  /** Lines `STREAM BOOT LAST` of what was produced. */
  producedLog(): string {
    const lines = this.#groups.flatMap(({ robots }) =>
      robots.flatMap(({ origin, streams }) =>
        streams
          .filter(({ next }) => next > 0)
          .map(({ template, next }) => `${template.stream} ${origin.bootId} ${next - 1}\n`),
      ),
    );
    return lines.join('');
  }

  /** Resolves once all are connected; then they send. Rejects if a connection ends. */
  async start(): Promise<void> {
    await Promise.all(this.#groups.map((group) => this.#connect(group)));
    this.#isSending = true;
    this.#timers.push(setInterval(() => this.#lookForOld(), LOOK_MS));
    const { perSecond } = this.#options;
    if (perSecond !== null)
      this.#timers.push(
        setInterval(() => {
          // no more than a second is made up for
          this.#tokens = Math.min(perSecond, this.#tokens + (perSecond * PACE_MS) / 1_000);
          this.#pump();
        }, PACE_MS),
      );
    this.#pump();
  }

  /** Nothing new from now on; what is not acknowledged is sent again. */
  quiet(): void {
    this.#isSending = false;
  }

  close(): void {
    this.#isSending = false;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    for (const { client } of this.#groups) client?.close();
  }

  /** A message of a robot is where it was to go. */
  note(robotName: string, stream: string, first: number, last: number): void {
    const sent = this.#byName
      .get(robotName)
      ?.streams.find(({ template }) => template.stream === stream)?.sentAt;
    if (sent === undefined) return;
    const now = performance.now();
    for (let number = first; number <= last; number += 1) {
      const at = sent.get(number);
      if (at === undefined) continue;
      sent.delete(number);
      this.#waiting -= 1;
      this.acknowledged += 1;
      this.ackMs.record(now - at);
    }
    this.#pumpSoon();
  }

  #connect(group: Group): Promise<void> {
    const { url, site } = group;
    return new Promise((resolve, reject) => {
      const clientId = `load:${site}:${randomUUID()}`;
      group.client = new QuickClient(
        {
          port: Number(new URL(url).port),
          clientId,
          keepAliveSeconds: KEEP_ALIVE_SECONDS,
          receiveMaximum: 0xffff,
          chunkBytes: CHUNK_BYTES,
          filter: `fleet/${TELEMETRY_VERSION}/${site}/+/+/ack`,
        },
        {
          onUp: resolve,
          onRoom: () => this.#pumpSoon(),
          onMessage: (payload) => this.#acknowledge(payload),
          onEnd: () => reject(new Error(`the connection to ${url} ended`)),
        },
      );
    });
  }

  /** Acknowledgements are this program's own, so nothing in them is checked. */
  #acknowledge(payload: Buffer): void {
    const { serialNumber, acks } = JSON.parse(payload.toString('utf8')) as StreamPayload<'ack'>;
    for (const { stream, ranges } of acks)
      for (const [first, last] of ranges) this.note(serialNumber, stream, first, last);
  }

  #pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    setImmediate(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  /** Sends what window, pace and connections allow; connections take turns. */
  #pump(): void {
    if (!this.#isSending) return;
    const timestamp = new Date().toISOString();
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const group of this.#groups)
        if (this.#mayPublish(group)) {
          isBusy = true;
          this.#publishNext(group, timestamp);
        }
    }
  }

  #mayPublish({ client }: Group): boolean {
    return this.#waiting < this.#options.window && this.#tokens >= 1 && client?.hasRoom === true;
  }

  /** Both messages of the robot whose turn it is. */
  #publishNext(group: Group, timestamp: string): void {
    const robot = group.robots[group.turn];
    group.turn = (group.turn + 1) % group.robots.length;
    for (const stream of robot?.streams ?? []) {
      this.#tokens -= 1;
      this.#waiting += 1;
      this.published += 1;
      stream.sentAt.set(stream.next, performance.now());
      this.#send(group, stream, stream.next, timestamp);
      stream.next += 1;
    }
  }

  #send({ client }: Group, { template }: LoadStream, number: number, timestamp: string): void {
    client?.publish(template.packet, template.idAt, (copy, at) =>
      template.patch(copy, at, number, timestamp),
    );
  }

  #lookForOld(): void {
    const due = performance.now() - RESEND_MS;
    const timestamp = new Date().toISOString();
    for (const group of this.#groups)
      for (const { streams } of group.robots)
        for (const stream of streams)
          for (const [number, at] of stream.sentAt) {
            if (at > due || group.client?.hasRoom !== true) break;
            // at the end again, since the oldest come first
            stream.sentAt.delete(number);
            stream.sentAt.set(number, performance.now());
            this.resent += 1;
            this.#send(group, stream, number, timestamp);
          }
  }
}
