import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { ProcessStats } from './snapshot.ts';

const RESOLUTION_MS = 10;
const NANOSECONDS = 1e6;

/** Watches how late this thread's timers fire and how much memory the process uses. */
export class ProcessMonitor {
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start(): void {
    this.#delay.enable();
  }

  stop(): void {
    this.#delay.disable();
  }

  read(): ProcessStats {
    return {
      rssBytes: process.memoryUsage.rss(),
      eventLoopDelayMs: {
        p50: this.#lateness(this.#delay.percentile(50)),
        p99: this.#lateness(this.#delay.percentile(99)),
        max: this.#lateness(this.#delay.max),
      },
    };
  }

  /** The histogram records the whole interval between two firings; anything beyond the resolution is delay. */
  #lateness(nanoseconds: number): number {
    return this.#delay.count === 0 ? 0 : Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS);
  }
}
