import type { DropReason } from '../../contract/drops.ts';
import { debugDrop } from './debug-drop.ts';
import type { FrameJob } from './frame/frame-job.ts';
import type { CameraLedger } from './statistics/ledger.ts';

/**
 * The frames that entered and have not left. The only place where a frame leaves its camera's ledger, which happens
 * once.
 */
export class FramesInFlight {
  readonly #jobs = new Set<FrameJob>();
  #waiters: (() => void)[] = [];

  get size(): number {
    return this.#jobs.size;
  }

  /** A snapshot of the frames, so that the caller may drop some while iterating. */
  list(): FrameJob[] {
    return [...this.#jobs];
  }

  enter(job: FrameJob): void {
    this.#jobs.add(job);
  }

  /** Counts a frame that is `publishing` as published. */
  publish(ledger: CameraLedger, job: FrameJob): void {
    job.moveTo('published');
    ledger.publish();
    this.#letGo(job);
  }

  /** Drops a frame, wherever it is. One that already left is not changed. */
  drop(ledger: CameraLedger, job: FrameJob, reason: DropReason): void {
    if (job.isSettled) return;
    job.drop();
    ledger.drop(reason);
    debugDrop(job.envelope.camera, job.envelope.sequence, reason);
    this.#letGo(job);
  }

  /** Resolves once no frame is in flight; if there is none now, the next time that happens. */
  whenEmptied(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Gives a frame away: it is in flight elsewhere from here on. */
  handOver(job: FrameJob): FrameJob {
    this.#letGo(job);
    return job;
  }

  #letGo(job: FrameJob): void {
    this.#jobs.delete(job);
    if (this.#jobs.size > 0 || this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
