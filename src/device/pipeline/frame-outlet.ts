import { clocksAgree } from '../../core/clocks-agree.ts';
import type { Stamp } from '../../core/frame.ts';
import { isCompressed, type CompressedView } from '../../core/image/image-view.ts';
import type { Clock } from '../../platform/clock.ts';
import { decodeToRgb } from '../imaging/decode-image.ts';
import type { InferenceEngine } from '../inference/engine.ts';
import { cutToLimits, type LimitsInForce } from './decode-limits.ts';
import type { Delivery } from './delivery.ts';
import type { FrameJob } from './frame/frame-job.ts';
import type { FramesInFlight } from './frames-in-flight.ts';
import type { ModelLane } from './model-lane.ts';
import { stampAge } from './stamp-guard.ts';
import type { PipelineStats } from './statistics/pipeline-stats.ts';

export interface FrameOutletOptions {
  readonly engine: InferenceEngine;
  readonly delivery: Delivery;
  readonly frames: FramesInFlight;
  readonly stats: PipelineStats;
  readonly clock: Clock;
  readonly limits: LimitsInForce;
}

/**
 * From the detections to the sinks: when it is a frame's turn, it gets tracks, goes to the publisher, is counted, and
 * is shared with the other sinks.
 */
export class FrameOutlet {
  readonly #options: FrameOutletOptions;
  readonly #clock: Clock;
  /** lanes whose compressed image is being decoded at full size */
  readonly #decoding = new Set<ModelLane>();

  constructor(options: FrameOutletOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Frames of one lane arrive in order. */
  deliver(lane: ModelLane, job: FrameJob): void {
    job.endStage('queue', this.#clock.monotonicMs());
    if (lane.track(job)) {
      // low-score boxes were for the tracker alone
      cutToLimits(job.detections, this.#options.limits.limits);
      job.endStage('track', this.#clock.monotonicMs());
    }
    job.totalMs = this.#clock.monotonicMs() - job.envelope.receivedAt;
    job.stampToNowMs = sinceStamp(job.envelope.stamp, this.#clock.wallMs());
    job.moveTo('publishing');
    const outcome = this.#options.delivery.publish(job, job.rawPixels);
    if (typeof outcome === 'boolean') this.#finish(lane, job, outcome);
    else void outcome.then((isPublished) => this.#finish(lane, job, isPublished));
  }

  #finish(lane: ModelLane, job: FrameJob, isPublished: boolean): void {
    // it may have been dropped while the publisher had it
    if (job.isSettled) return;
    if (!isPublished) {
      this.#options.frames.drop(lane.ledger, job, 'publish_failed');
      return;
    }
    const now = this.#clock.monotonicMs();
    job.endStage('publish', now);
    job.totalMs = now - job.envelope.receivedAt;
    lane.notePublished(job.totalMs, now);
    this.#options.stats.notePublished(job, now);
    this.#options.frames.publish(lane.ledger, job);
    const { image } = job;
    if (job.wantsDecoded && image !== null && isCompressed(image) && !this.#decoding.has(lane))
      void this.#shareDecoded(lane, job, image);
    else this.#recycleAfter(job, this.#options.delivery.share(job, job.rawPixels, job.keptImage));
  }

  /**
   * A sink wants the pixels of a compressed image: one at a time is decoded at full size, others are shared without.
   * Only viewers wait for it, so that all other sinks get the frames of a camera in order.
   */
  async #shareDecoded(lane: ModelLane, job: FrameJob, image: CompressedView): Promise<void> {
    const { delivery } = this.#options;
    const shared = delivery.share(job, null, job.keptImage, 'others');
    this.#decoding.add(lane);
    const pixels = await decodeToRgb(image).catch(() => null);
    this.#decoding.delete(lane);
    const viewed = delivery.share(job, pixels, job.keptImage, 'viewers');
    this.#recycleAfter(job, shared === null ? viewed : Promise.all([shared, viewed]));
  }

  /** Once the last sink is done with a result, its memory can be reused. */
  #recycleAfter(job: FrameJob, pending: Promise<unknown> | null): void {
    const { engine } = this.#options;
    if (pending === null) engine.recycle?.(job.detections);
    else void pending.then(() => engine.recycle?.(job.detections));
  }
}

/** Milliseconds from a stamp to now; `NaN` if the driver set none, or if the clocks disagree. */
function sinceStamp(stamp: Stamp, wallMs: number): number {
  const ms = stampAge(stamp, wallMs);
  return clocksAgree(ms) ? ms : Number.NaN;
}
