import type { ServerResponse } from 'node:http';
import type { HttpStream } from '../../platform/http/route.ts';
import type { Clock, TimerHandle } from '../../platform/clock.ts';
import { Changes, LOOK_BACK_MS, type RobotChange } from './changes.ts';
import { EventLog } from './event-log.ts';

const EVERY_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** What Node holds for a client that does not read; the system holds some more. */
const MAX_BACKLOG_BYTES = 64 << 10;
const MAX_CLIENTS = 200;
const MAX_CLIENTS_OF_ONE = 10;
const RETRY_MS = 3_000;

/** What of a response is used. */
export type LiveResponse = Pick<
  ServerResponse,
  'writeHead' | 'write' | 'end' | 'destroy' | 'on' | 'once' | 'writableLength' | 'writableEnded' | 'destroyed'
>;

interface Client {
  readonly response: LiveResponse;
  /** token or address: each may have a few streams */
  readonly key: string;
  /** whether its token is still good */
  readonly isAllowed: () => Promise<boolean>;
}

export interface LiveSource {
  /** robots that changed since then, by the clock that stamps messages. Throws as `Database.query` does. */
  readonly changedSince: (sinceMs: number) => Promise<readonly RobotChange[]>;
  /** a client did not read and was cut off */
  readonly onCut: () => void;
  readonly clock: Clock;
}

/** Tells pages which robots changed, once a second, as server-sent events. Without clients it does nothing. */
export class LiveFeed {
  readonly #source: LiveSource;
  readonly #clients = new Set<Client>();
  readonly #log = new EventLog();
  readonly #changes = new Changes();
  #timer: TimerHandle | null = null;
  /** of the loop: one that was stopped while it waited for the database does not go on */
  #round = 0;
  #beatAt = 0;
  #isClosed = false;

  constructor(source: LiveSource) {
    this.#source = source;
  }

  /** Streams that are open. */
  get clients(): number {
    return this.#clients.size;
  }

  /**
   * A stream for one more client; null if all places are taken.
   * @param lastId the last event that it had, as browsers send it when they connect again
   */
  open(key: string, lastId: string | undefined, isAllowed: () => Promise<boolean>): HttpStream | null {
    const own = [...this.#clients].filter((client) => client.key === key).length;
    if (this.#isClosed || own >= MAX_CLIENTS_OF_ONE || this.#clients.size >= MAX_CLIENTS) return null;
    return { stream: (response) => this.#begin({ response, key, isAllowed }, lastId) };
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
    for (const { response } of this.#clients) response.destroy();
    this.#clients.clear();
  }

  #begin(client: Client, lastId: string | undefined): void {
    const { response } = client;
    // it left while the database was asked about its token, so its `close` was emitted already
    if (response.destroyed) return;
    // without a listener, an error of one client ends the process
    response.on('error', () => response.destroy());
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`retry: ${RETRY_MS}\n\n${this.#log.since(lastId).join('')}`);
    this.#clients.add(client);
    response.once('close', () => this.#leave(client));
    if (this.#timer === null) this.#lookIn(0, this.#round);
  }

  #leave(client: Client): void {
    if (this.#clients.delete(client) && this.#clients.size === 0) this.#stop();
  }

  #stop(): void {
    if (this.#timer !== null) this.#source.clock.stopTimer(this.#timer);
    this.#timer = null;
    this.#round += 1;
    this.#log.forget();
    this.#changes.forget();
  }

  #lookIn(ms: number, round: number): void {
    this.#timer = this.#source.clock.startTimer(() => {
      void this.#look(round).then(() => {
        if (round === this.#round) this.#lookIn(EVERY_MS, round);
      });
    }, ms);
  }

  async #look(round: number): Promise<void> {
    const { clock, changedSince } = this.#source;
    const nowMs = clock.wallMs();
    // while the database is away, which /healthz says, clients stay, and hear of what changed when it is back
    const changes = await changedSince(nowMs - LOOK_BACK_MS).catch(() => []);
    if (round !== this.#round) return;
    const event = this.#changes.take(changes, nowMs);
    if (event !== null) this.#send(this.#log.add(event));
    if (clock.monotonicMs() - this.#beatAt < HEARTBEAT_MS) return;
    this.#beatAt = clock.monotonicMs();
    await this.#dismiss();
    this.#send(':\n\n');
  }

  /** Ends the streams of those whose token is not good any more. */
  async #dismiss(): Promise<void> {
    for (const client of [...this.#clients]) {
      if (await client.isAllowed().catch(() => true)) continue;
      // its `close` comes once everything is flushed, and nothing may be written until then
      this.#leave(client);
      client.response.end();
    }
  }

  #send(text: string): void {
    for (const { response } of this.#clients) {
      if (response.writableEnded || response.destroyed) continue;
      if (response.writableLength > MAX_BACKLOG_BYTES) {
        this.#source.onCut();
        response.destroy();
      } else response.write(text);
    }
  }
}
