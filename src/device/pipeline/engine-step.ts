import type { DropReason } from '../../contract/drops.ts';
import type { Clock } from '../../platform/clock.ts';
import { errorText } from '../../platform/error-text.ts';
import { freeMemory } from '../../platform/free-memory.ts';
import type {
  InferenceEngine,
  InferenceItem,
  InferenceOutcome,
  InferenceTimes,
} from '../inference/engine.ts';
import type { LimitsInForce } from './decode-limits.ts';
import type { FrameJob } from './frame/frame-job.ts';
import type { ModelLane } from './model-lane.ts';
import type { PipelineNotices } from './pipeline-notices.ts';
import type { BufferPool } from './scheduling/buffer-pool.ts';

type FailedItem = InferenceItem & { readonly ok: false };

export interface EngineStepOptions {
  readonly engine: InferenceEngine;
  /** milliseconds after which a job without an answer is given up */
  readonly engineTimeoutMs: number;
  readonly pool: BufferPool;
  readonly clock: Clock;
  readonly limits: LimitsInForce;
  readonly notices: PipelineNotices;
  laneOf(job: FrameJob): ModelLane;
  /** A frame of this lane has its detections. */
  onDetected(lane: ModelLane): void;
  /** A frame returned without usable detections. */
  onFailed(lane: ModelLane, job: FrameJob, reason: DropReason): void;
  /** A job ended: the engine has room. */
  onRoom(): void;
}

/** Runs batches in the engine and sorts out what happened to each frame. */
export class EngineStep {
  readonly #options: EngineStepOptions;
  #running = 0;

  constructor(options: EngineStepOptions) {
    this.#options = options;
  }

  /** jobs that the engine would take now */
  get room(): number {
    return Math.max(0, this.#options.engine.parallel - this.#running);
  }

  /**
   * Runs one job. Never throws. Written without `async`: each promise between the engine's answer and the publisher
   * costs every frame a turn of the microtask queue.
   * @param sentAt monotonic now
   */
  run(batch: readonly FrameJob[], sentAt: number): void {
    const { engineTimeoutMs, clock, notices } = this.#options;
    this.#running += 1;
    let isOver = false;
    const end = (outcome: InferenceOutcome | DropReason): void => {
      if (isOver) return;
      isOver = true;
      clock.stopTimer(timer);
      this.#end(batch, outcome, sentAt);
    };
    const timer = clock.startTimer(() => end('engine_lost'), engineTimeoutMs);
    this.#infer(batch).then(end, (error: unknown) => {
      if (!isOver) notices.fromPath('GOSHAWK_INFERENCE_FAILED', errorText(error), { reason: 'job' });
      end('inference_failed');
    });
  }

  /** Rejects for a job that cannot be sent as for one that fails, so that no job ends within `run`. */
  #infer(batch: readonly FrameJob[]): Promise<InferenceOutcome> {
    try {
      const inputs = batch.map((job) => job.enterEngine());
      return this.#options.engine.infer(inputs, this.#options.limits.forEngine);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(batch: readonly FrameJob[], outcome: InferenceOutcome | DropReason, sentAt: number): void {
    this.#running -= 1;
    const now = this.#options.clock.monotonicMs();
    for (let i = 0; i < batch.length; i++) {
      const job = batch[i];
      if (job === undefined) continue;
      if (typeof outcome === 'string') this.#lose(job, outcome);
      else this.#receive(job, outcome.items[i], outcome.times, sentAt, now);
    }
    this.#options.onRoom();
  }

  /** The whole job failed, and its buffers are lost. */
  #lose(job: FrameJob, reason: DropReason): void {
    if (job.mode === 'sharp' && !job.hasLetterboxed) this.#options.pool.release(undefined);
    this.#options.onFailed(this.#options.laneOf(job), job, reason);
  }

  #receive(
    job: FrameJob,
    item: InferenceItem | undefined,
    times: InferenceTimes,
    sentAt: number,
    now: number,
  ): void {
    const lane = this.#options.laneOf(job);
    if (job.mode === 'sharp') this.#options.pool.release(item?.pixels);
    else if (!job.keepsPixels && item?.pixels !== undefined) freeMemory(item.pixels);
    if (job.isSettled) return;
    if (item === undefined || !item.ok) {
      this.#receiveFailure(lane, job, item);
      return;
    }
    job.addTo('inference', times.inference);
    job.addTo('decode', times.decode);
    job.addTo('queue', now - sentAt - times.inference - times.decode);
    this.#reportCost(lane, job, now - sentAt);
    job.since = now;
    if (now > job.envelope.deadline) this.#options.onFailed(lane, job, 'deadline');
    else if (!lane.order.includes(job)) this.#options.onFailed(lane, job, 'out_of_order');
    else {
      job.becomeDetected(item.detections, item.pixels, item.statistics ?? null);
      this.#options.onDetected(lane);
    }
  }

  #reportCost(lane: ModelLane, job: FrameJob, engineMs: number): void {
    const decision = lane.choice.report(job.mode, engineMs + job.msIn('preprocess'));
    if (decision !== null) this.#notice(lane, 'PREPROCESS_CHOSEN', `${decision.mode} (${decision.why})`);
  }

  #receiveFailure(lane: ModelLane, job: FrameJob, item: FailedItem | undefined): void {
    const reason = item?.reason ?? 'inference_failed';
    const message = item?.message ?? 'the engine returned no outcome for a frame';
    this.#notice(lane, item?.code ?? 'GOSHAWK_INFERENCE_FAILED', message, reason);
    if (job.mode === 'graph' && reason !== 'engine_lost' && reason !== 'invalid_output') {
      const decision = lane.choice.giveUpGraph(message);
      if (decision !== null) this.#notice(lane, 'PREPROCESS_CHOSEN', `sharp (${decision.why})`);
    }
    this.#options.onFailed(lane, job, reason);
  }

  #notice(lane: ModelLane, code: string, message: string, reason?: DropReason): void {
    const { name } = lane.camera;
    const subject = { camera: name, ...(reason === undefined ? {} : { reason }) };
    this.#options.notices.fromPath(code, `${name}: ${message}`, subject);
  }
}
