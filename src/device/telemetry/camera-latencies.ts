import { LATENCY_EDGES_MS } from '../../contract/telemetry/shapes.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { clocksAgree } from '../../core/clocks-agree.ts';
import type { Stamp } from '../../core/frame.ts';
import { stampAge } from '../pipeline/stamp-guard.ts';

type CameraStats = StreamBody<'metrics'>['cameras'][number];

/** Frames that may wait for the window of their stamp, and stamps that are remembered, at most. */
const MAX_FRAMES = 4096;

/**
 * Latencies of one camera. Frames count in the window in which their stamp lies while it is open, and in the next one
 * to be closed if that is over: then they are late. If stamps and the clock do not agree, frames count as they arrive.
 */
export class CameraLatencies {
  #counts = zeros();
  #sumMs = 0;
  #late = 0;
  #duplicate = 0;
  /** frames whose window is open */
  #open: { readonly stampMs: number; readonly latencyMs: number }[] = [];
  /** microseconds, oldest first */
  readonly #stamps = new Set<number>();

  /**
   * @param startMs start of the oldest open window
   * @param nowMs the clock of the windows
   */
  record(latencyMs: number, stamp: Stamp, startMs: number, nowMs: number): void {
    const ageMs = stampAge(stamp, nowMs);
    if (!clocksAgree(ageMs)) {
      this.#count(latencyMs);
      return;
    }
    if (this.#isKnown(stamp)) this.#duplicate += 1;
    const stampMs = nowMs - ageMs;
    if (stampMs >= startMs && this.#open.length < MAX_FRAMES) this.#open.push({ stampMs, latencyMs });
    else {
      if (stampMs < startMs) this.#late += 1;
      this.#count(latencyMs);
    }
  }

  /** What belongs to the window that ends at `endMs`; it is over then. */
  take(endMs: number): Required<Pick<CameraStats, 'latency' | 'late' | 'duplicate'>> {
    const later = this.#open.filter(({ stampMs }) => stampMs >= endMs);
    for (const { stampMs, latencyMs } of this.#open) if (stampMs < endMs) this.#count(latencyMs);
    const latency = { edgesMs: [...LATENCY_EDGES_MS], counts: this.#counts, sumMs: this.#sumMs };
    const taken = { latency, late: this.#late, duplicate: this.#duplicate };
    this.#open = later;
    this.#counts = zeros();
    this.#sumMs = 0;
    this.#late = 0;
    this.#duplicate = 0;
    return taken;
  }

  #isKnown({ sec, nanosec }: Stamp): boolean {
    const key = sec * 1e6 + Math.floor(nanosec / 1000);
    if (this.#stamps.has(key)) return true;
    this.#stamps.add(key);
    const [oldest] = this.#stamps;
    if (this.#stamps.size > MAX_FRAMES && oldest !== undefined) this.#stamps.delete(oldest);
    return false;
  }

  #count(milliseconds: number): void {
    let index = 0;
    while (index < LATENCY_EDGES_MS.length && milliseconds > (LATENCY_EDGES_MS[index] ?? Infinity))
      index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sumMs += milliseconds;
  }
}

function zeros(): number[] {
  return new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);
}
