import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../platform/clock.ts';
import { errorText } from '../../platform/error-text.ts';
import { endDespite } from '../../platform/hung-thread.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';
import { Backoff } from '../inference/backoff.ts';
import type { FromTelemetryThread, TelemetrySettings, ToTelemetryThread } from './protocol.ts';

/** It makes little garbage at a time: with V8's default its heap would grow by tens of MiB before anything is freed. */
const MAX_YOUNG_GENERATION_MB = 4;

/** A thread that ended is started again immediately, then after pauses that grow while it does not last. */
const PAUSE = { firstMs: 1_000, capMs: 300_000, stableMs: 60_000 } as const;

/** What broker and disk may take at the end, and a little. */
const CLOSE_LIMIT_MS = 8_000;

export interface ThreadEvents {
  onMessage(message: FromTelemetryThread): void;
  /** It has ended, and nobody asked for that. */
  onEnd(reason: string): void;
  /** It runs again, as another boot. */
  onAgain(): void;
}

/** The thread that owns outbox and broker connection. If it ends by itself, another one takes its place. */
export class TelemetryThread {
  readonly #settings: TelemetrySettings;
  readonly #entry: URL;
  readonly #closeLimitMs: number;
  readonly #events: ThreadEvents;
  readonly #backoff = new Backoff(PAUSE);
  /** null while there is none */
  #worker: Worker | null;
  #startedMs = 0;
  #restart: NodeJS.Timeout | undefined;
  #isClosing = false;
  #ended: () => void = () => undefined;
  readonly #hasEnded = new Promise<void>((resolve) => (this.#ended = resolve));

  /** @param closeLimitMs what it may take to finish */
  constructor(settings: TelemetrySettings, entry: URL, events: ThreadEvents, closeLimitMs = CLOSE_LIMIT_MS) {
    this.#closeLimitMs = closeLimitMs;
    this.#settings = settings;
    this.#entry = entry;
    this.#events = events;
    this.#worker = this.#start(settings.bootId);
  }

  /** @returns false if there is no thread that could take it */
  post(message: ToTelemetryThread): boolean {
    this.#worker?.postMessage(message);
    return this.#worker !== null;
  }

  /** Asks it to finish, and ends it if it does not. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return;
    this.post({ type: 'close' });
    const end = await withTimeLimit(this.#hasEnded, this.#closeLimitMs, systemClock);
    if (end !== TIME_IS_UP) return;
    endDespite(worker);
    void worker.terminate();
    // Not before: `terminate` has the process wait for it again.
    worker.unref();
  }

  #start(bootId: string): Worker {
    const worker = new Worker(this.#entry, {
      workerData: { ...this.#settings, bootId },
      name: 'goshawk-telemetry',
      resourceLimits: { maxYoungGenerationSizeMb: MAX_YOUNG_GENERATION_MB },
    });
    this.#startedMs = performance.now();
    let reason = 'it ended without a reason';
    worker.on('message', (message: FromTelemetryThread) => this.#events.onMessage(message));
    worker.on('error', (error) => (reason = errorText(error)));
    worker.once('exit', () => this.#noteExit(reason));
    return worker;
  }

  #noteExit(reason: string): void {
    this.#worker = null;
    if (this.#isClosing) {
      this.#ended();
      return;
    }
    this.#events.onEnd(reason);
    const pause = this.#backoff.next(performance.now() - this.#startedMs);
    this.#restart = setTimeout(() => {
      // Numbers begin at 0 again, so it is another boot.
      this.#worker = this.#start(randomUUID());
      this.#events.onAgain();
    }, pause).unref();
  }
}
