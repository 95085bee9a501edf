import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { LatencySummary } from '../../../contract/report.ts';
import { STAGES, type FrameResult, type Stage } from '../frame/frame-result.ts';

const NANOSECONDS = 1e6;
const LOWEST_NS = 1000;
/** longer than any frame lives */
const HIGHEST_NS = 120e9;

function makeHistogram(): RecordableHistogram {
  return createHistogram({ lowest: LOWEST_NS, highest: HIGHEST_NS, figures: 3 });
}

/** Latencies in milliseconds, to three digits, in constant memory. */
export class LatencyRecorder {
  readonly #histogram = makeHistogram();

  /** @param milliseconds negative values and NaN count as 0 */
  record(milliseconds: number): void {
    const nanoseconds = Math.round(milliseconds * NANOSECONDS);
    this.#histogram.record(nanoseconds > 1 ? Math.min(nanoseconds, HIGHEST_NS) : 1);
  }

  summary(): LatencySummary {
    const h = this.#histogram;
    if (h.count === 0) return { count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
    return {
      count: h.count,
      p50: h.percentile(50) / NANOSECONDS,
      p90: h.percentile(90) / NANOSECONDS,
      p99: h.percentile(99) / NANOSECONDS,
      p999: h.percentile(99.9) / NANOSECONDS,
      max: h.max / NANOSECONDS,
    };
  }

  reset(): void {
    this.#histogram.reset();
  }
}

export interface LatencyStats {
  readonly total: LatencySummary;
  readonly stages: Readonly<Record<Stage, LatencySummary>>;
}

/** Latencies of the whole path and of each stage. */
export class StageLatencies {
  readonly #total = new LatencyRecorder();
  readonly #stages = STAGES.map(() => new LatencyRecorder());

  record(result: FrameResult): void {
    this.#total.record(result.totalMs);
    for (let i = 0; i < this.#stages.length; i++) this.#stages[i]?.record(result.stageMs[i] ?? 0);
  }

  read(): LatencyStats {
    const stages = {} as Record<Stage, LatencySummary>;
    STAGES.forEach((stage, index) => {
      stages[stage] = this.#stages[index]?.summary() ?? this.#total.summary();
    });
    return { total: this.#total.summary(), stages };
  }

  reset(): void {
    this.#total.reset();
    for (const stage of this.#stages) stage.reset();
  }
}

/**
 * Latencies of the last 5 to 10 seconds: two sets that alternate, for a status that shows the present, not the average
 * since start.
 */
export class RecentLatencies {
  readonly #turnMs: number;
  #current = new StageLatencies();
  #previous = new StageLatencies();
  #turnedAt = Number.NaN;

  constructor(turnMs = 5000) {
    this.#turnMs = turnMs;
  }

  record(result: FrameResult, nowMs: number): void {
    this.#turn(nowMs);
    this.#current.record(result);
    this.#previous.record(result);
  }

  read(nowMs: number): LatencyStats {
    this.#turn(nowMs);
    return this.#previous.read();
  }

  #turn(nowMs: number): void {
    if (Number.isNaN(this.#turnedAt)) this.#turnedAt = nowMs;
    if (nowMs - this.#turnedAt < this.#turnMs) return;
    const isLongSilent = nowMs - this.#turnedAt >= 2 * this.#turnMs;
    const oldest = this.#previous;
    this.#previous = this.#current;
    this.#current = oldest;
    oldest.reset();
    if (isLongSilent) this.#previous.reset();
    this.#turnedAt = nowMs;
  }
}
