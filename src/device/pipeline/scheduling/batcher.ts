import type { FrameJob } from '../frame/frame-job.ts';

/** A lane whose frames may share a batch with others. */
export interface BatchPeer {
  readonly priority: number;
  /** monotonic milliseconds when its camera's last frame arrived; `NaN` before the first */
  readonly lastReceivedAt: number;
  /** its frame that is being preprocessed or is ready */
  readonly ahead: FrameJob | null;
}

export interface BatchLimits {
  /** frames per job of the engine, >= 1 */
  readonly maxBatch: number;
  /** milliseconds that a ready frame waits for others; 0 never waits */
  readonly maxWaitMs: number;
}

/** a camera that has sent nothing for this long is not waited for */
const SILENT_MS = 500;

/**
 * Gathers ready frames of different cameras into one job. A batch is due when it is full, when its oldest frame has
 * waited long enough, or when no live camera of at least its priority could still join: a lone frame, and one more
 * important than all others, goes straight through.
 */
export class Batcher {
  readonly #limits: BatchLimits;
  readonly #ready: FrameJob[] = [];

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#ready.length;
  }

  add(job: FrameJob): void {
    this.#ready.push(job);
  }

  /** Milliseconds until the ready frames are due: 0 for now, `Infinity` if there are none. */
  dueIn(nowMs: number, lanes: Iterable<BatchPeer>): number {
    const oldest = this.#ready[0];
    if (oldest === undefined) return Infinity;
    if (this.#ready.length >= this.#limits.maxBatch || !this.#isWorthWaiting(nowMs, lanes)) return 0;
    return Math.max(0, this.#limits.maxWaitMs - (nowMs - oldest.since));
  }

  /** Removes the next batch: the oldest frame and those of the same kind behind it. */
  take(): FrameJob[] {
    if (this.#limits.maxBatch === 1) return this.#ready.splice(0, 1);
    const mode = this.#ready[0]?.mode;
    const batch: FrameJob[] = [];
    for (let i = 0; i < this.#ready.length && batch.length < this.#limits.maxBatch;) {
      const job = this.#ready[i];
      if (job?.mode === mode && job !== undefined) {
        batch.push(job);
        this.#ready.splice(i, 1);
      } else i += 1;
    }
    return batch;
  }

  /** Removes a frame that nobody wants any more. */
  remove(job: FrameJob): void {
    const index = this.#ready.indexOf(job);
    if (index >= 0) this.#ready.splice(index, 1);
  }

  #isWorthWaiting(nowMs: number, lanes: Iterable<BatchPeer>): boolean {
    let highest = 0;
    for (const job of this.#ready) highest = Math.max(highest, job.priority);
    for (const lane of lanes) {
      const isReady = lane.ahead !== null && this.#ready.includes(lane.ahead);
      const isLive = nowMs - lane.lastReceivedAt < SILENT_MS;
      if (!isReady && isLive && lane.priority >= highest) return true;
    }
    return false;
  }
}
