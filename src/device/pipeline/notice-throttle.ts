import { Pace } from '../../core/pace.ts';
import type { Clock } from '../../platform/clock.ts';
import type { PipelineNotice } from './pipeline-options.ts';

/** minimum time between warnings of one code, camera and reason; suppressed ones are counted */
const INTERVAL_MS = 5000;

/**
 * Keeps a fault that repeats with every frame from flooding the log. Never throws: a failing log must not cost a frame
 * its count.
 */
export class NoticeThrottle {
  readonly #clock: Clock;
  readonly #listener: ((notice: PipelineNotice) => void) | undefined;
  readonly #pace = new Pace(INTERVAL_MS);

  constructor(clock: Clock, listener: ((notice: PipelineNotice) => void) | undefined) {
    this.#clock = clock;
    this.#listener = listener;
  }

  send(notice: PipelineNotice): void {
    if (this.#listener === undefined) return;
    if (notice.level === 'info') {
      this.#pass(notice);
      return;
    }
    // One camera's fault must not hide another's, nor one reason another.
    const key = JSON.stringify([notice.code, notice.camera, notice.reason]);
    const heldBack = this.#pace.admit(key, this.#clock.monotonicMs());
    if (heldBack === null) return;
    const message =
      heldBack > 0 ? `${notice.message} (and ${String(heldBack)} more like it)` : notice.message;
    this.#pass({ ...notice, message });
  }

  #pass(notice: PipelineNotice): void {
    try {
      this.#listener?.(notice);
    } catch {
      // there is nowhere left to report it
    }
  }
}
