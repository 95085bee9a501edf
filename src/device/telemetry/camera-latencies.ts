import { LATENCY_EDGES_MS } from '../../contract/telemetry/shapes.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { bucketOf } from '../../core/edge-histogram.ts';
import type { Stamp } from '../../core/frame.ts';
import { FrameTimes } from './frame-times.ts';

type CameraStats = StreamBody<'metrics'>['cameras'][number];

/** Frames that may wait for the window of their stamp, at most. */
const MAX_FRAMES = 4096;

/**
 * Latencies of one camera. Frames count in the window in which their stamp lies while it is open, and in the next one
 * to be closed if that is over: then they are late. If stamps and the clock do not agree, frames count as they arrive.
 */
export class CameraLatencies {
  #counts = zeros();
  #sumMs = 0;
  readonly #times = new FrameTimes();
  /** frames whose window is open */
  #open: { readonly stampMs: number; readonly latencyMs: number }[] = [];

  /**
   * @param startMs start of the oldest open window
   * @param nowMs the clock of the windows
   */
  record(latencyMs: number, stamp: Stamp, startMs: number, nowMs: number): void {
    const stampMs = this.#times.place(stamp, startMs, nowMs);
    if (stampMs === null || this.#open.length >= MAX_FRAMES) this.#count(latencyMs);
    else this.#open.push({ stampMs, latencyMs });
  }

  /** What belongs to the window that ends at `endMs`; it is over then. */
  take(endMs: number): Required<Pick<CameraStats, 'latency' | 'late' | 'duplicate'>> {
    const later = this.#open.filter(({ stampMs }) => stampMs >= endMs);
    for (const { stampMs, latencyMs } of this.#open) if (stampMs < endMs) this.#count(latencyMs);
    const latency = { edgesMs: [...LATENCY_EDGES_MS], counts: this.#counts, sumMs: this.#sumMs };
    const taken = { latency, ...this.#times.take() };
    this.#open = later;
    this.#counts = zeros();
    this.#sumMs = 0;
    return taken;
  }

  #count(milliseconds: number): void {
    const index = bucketOf(LATENCY_EDGES_MS, milliseconds);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sumMs += milliseconds;
  }
}

function zeros(): number[] {
  return new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);
}
