import type { DropReason } from '../../contract/drops.ts';
import { isCompressed } from '../../core/image/image-view.ts';
import { errorText } from '../../platform/error-text.ts';
import type { FrameJob, LetterboxTarget } from './frame/frame-job.ts';
import type { ModelLane } from './model-lane.ts';
import type { BufferPool } from './scheduling/buffer-pool.ts';

export interface PreprocessStepOptions {
  readonly target: LetterboxTarget;
  readonly pool: BufferPool;
  /** The letterboxed image is ready. */
  onReady(job: FrameJob): void;
  /** The image could not be read. @param message absent if nothing was tried */
  onFailed(lane: ModelLane, job: FrameJob, reason: DropReason, message?: string): void;
}

/** Letterboxes images with sharp, into pooled buffers. */
export class PreprocessStep {
  readonly #options: PreprocessStepOptions;

  constructor(options: PreprocessStepOptions) {
    this.#options = options;
  }

  /** Never rejects: each frame ends in `onReady` or `onFailed`, or was dropped meanwhile. */
  async run(lane: ModelLane, job: FrameJob): Promise<void> {
    const { pool, target } = this.#options;
    const { image, letterbox } = job;
    const buffer = pool.acquire();
    if (image === null || buffer === null) {
      this.#options.onFailed(lane, job, 'inference_failed');
      return;
    }
    try {
      await lane.letterboxer.run(image, letterbox, target, buffer);
    } catch (error) {
      pool.release(buffer);
      const reason = isCompressed(image) ? 'corrupt_image' : 'malformed';
      this.#options.onFailed(lane, job, reason, errorText(error));
      return;
    }
    if (job.isSettled) {
      pool.release(buffer);
      return;
    }
    job.becomeReady(buffer);
    this.#options.onReady(job);
  }
}
