import type { DropReason } from '../../contract/drops.ts';
import type { Clock, TimerHandle } from '../../platform/clock.ts';
import type { InferenceEngine } from '../inference/engine.ts';
import type { LimitsInForce } from './decode-limits.ts';
import type { Delivery } from './delivery.ts';
import { EngineStep } from './engine-step.ts';
import type { FrameOutlet } from './frame-outlet.ts';
import type { FrameJob, LetterboxTarget } from './frame/frame-job.ts';
import type { FramesInFlight } from './frames-in-flight.ts';
import type { ModelLane } from './model-lane.ts';
import type { PipelineNotices } from './pipeline-notices.ts';
import { PreprocessStep } from './preprocess-step.ts';
import { Batcher, type BatchLimits } from './scheduling/batcher.ts';
import { BufferPool } from './scheduling/buffer-pool.ts';
import { StrideScheduler } from './scheduling/stride-scheduler.ts';

export interface FramePathOptions {
  readonly engine: InferenceEngine;
  readonly lanes: ReadonlyMap<string, ModelLane>;
  readonly target: LetterboxTarget;
  readonly batch: BatchLimits;
  /** milliseconds after which a job without an answer is given up */
  readonly engineTimeoutMs: number;
  readonly clock: Clock;
  readonly limits: LimitsInForce;
  /** asked whether a sink wants the pixels of a camera's next frame */
  readonly delivery: Delivery;
  readonly notices: PipelineNotices;
  readonly frames: FramesInFlight;
  /** gets each frame with its detections when it is its turn among its camera's frames */
  readonly outlet: FrameOutlet;
}

/**
 * From the gates to the detections. A frame is taken from its gate only when the engine has room, or one batch ahead of
 * it while sharp works, and never two of one camera: frames wait in the gate, where a newer one replaces them.
 */
export class FramePath {
  readonly #options: FramePathOptions;
  readonly #clock: Clock;
  readonly #lanes: readonly ModelLane[];
  readonly #scheduler = new StrideScheduler();
  readonly #batcher: Batcher;
  readonly #pool: BufferPool;
  readonly #preprocess: PreprocessStep;
  readonly #engine: EngineStep;
  #ahead = 0;
  #batchTimer: TimerHandle | null = null;
  readonly #isServable = (lane: ModelLane): boolean =>
    lane.gate.waiting !== null && lane.ahead === null && this.#ahead < this.#room(lane);

  constructor(options: FramePathOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#lanes = [...options.lanes.values()];
    this.#batcher = new Batcher(options.batch);
    const { width, height } = options.target;
    const { parallel, maxParallel = parallel } = options.engine;
    const inEngine = maxParallel * options.batch.maxBatch;
    this.#pool = new BufferPool(width * height * 3, 2 * inEngine + options.batch.maxBatch);
    this.#preprocess = this.#makePreprocessStep();
    this.#engine = this.#makeEngineStep();
  }

  /** Moves everything forward that can move. Called whenever a frame arrived or the engine has room. */
  pump(): void {
    do {
      for (;;) {
        const lane = this.#scheduler.pick(this.#lanes, this.#isServable);
        if (lane === null) break;
        this.#take(lane);
      }
    } while (this.#dispatch());
  }

  /** Drops a frame wherever it is on its path. */
  giveUp(job: FrameJob, reason: DropReason): void {
    this.#batcher.remove(job);
    this.#drop(this.#laneOf(job), job, reason);
  }

  /** Delivers the next results in order; after the last one, those of the lane that took this one's place. */
  flush(lane: ModelLane): void {
    for (;;) {
      const job = lane.order.next();
      if (job === null) break;
      this.#options.outlet.deliver(lane, job);
    }
    if (lane.order.length === 0) lane.onEmptied?.();
  }

  stop(): void {
    if (this.#batchTimer !== null) this.#clock.stopTimer(this.#batchTimer);
    this.#batchTimer = null;
  }

  #makePreprocessStep(): PreprocessStep {
    return new PreprocessStep({
      target: this.#options.target,
      pool: this.#pool,
      onReady: (job) => {
        this.#queue(job);
        this.pump();
      },
      onFailed: (lane, job, reason, message) => {
        if (message !== undefined) {
          const { name } = lane.camera;
          this.#options.notices.fromPath('FRAME_UNREADABLE', `${name}: ${message}`, { camera: name });
        }
        this.#drop(lane, job, reason);
        if (message !== undefined) this.pump();
      },
    });
  }

  #makeEngineStep(): EngineStep {
    return new EngineStep({
      ...this.#options,
      pool: this.#pool,
      laneOf: (job) => this.#laneOf(job),
      onDetected: (lane) => this.flush(lane),
      onFailed: (lane, job, reason) => this.#drop(lane, job, reason),
      onRoom: () => this.pump(),
    });
  }

  /** How many frames may be on this side of the engine when one of this lane is taken. */
  #room(lane: ModelLane): number {
    const worksAhead = lane.choice.decision?.mode !== 'graph';
    return (this.#engine.room + (worksAhead ? 1 : 0)) * this.#options.batch.maxBatch;
  }

  #take(lane: ModelLane): void {
    const job = lane.gate.take();
    if (job === null) return;
    this.#scheduler.charge(lane);
    const now = this.#clock.monotonicMs();
    job.endStage('wait', now);
    if (now > job.envelope.deadline) {
      this.#drop(lane, job, 'deadline');
      return;
    }
    lane.ahead = job;
    this.#ahead += 1;
    lane.order.enter(job);
    const { delivery } = this.#options;
    const { name } = lane.camera;
    const wantsPixels = delivery.wantsPixels(name);
    const keepsPixels = wantsPixels || delivery.wantsImage(name);
    job.prepare(lane.modeFor(job), keepsPixels, delivery.wantsStatistics(name), wantsPixels);
    if (job.mode === 'sharp') void this.#preprocess.run(lane, job);
    else {
      job.becomeReady(null);
      this.#queue(job);
    }
  }

  #queue(job: FrameJob): void {
    job.endStage('preprocess', this.#clock.monotonicMs());
    this.#batcher.add(job);
  }

  /** Hands batches that are due to the engine while it has room. True if there were any. */
  #dispatch(): boolean {
    let isMoving = false;
    while (this.#engine.room > 0) {
      const now = this.#clock.monotonicMs();
      const dueIn = this.#batcher.dueIn(now, this.#lanes);
      if (dueIn === Infinity) break;
      if (dueIn > 0) {
        this.#wakeIn(dueIn);
        break;
      }
      isMoving = true;
      const batch = this.#batcher.take();
      let kept = 0;
      for (const job of batch) if (this.#leaveForEngine(job, now)) batch[kept++] = job;
      batch.length = kept;
      if (kept > 0) this.#engine.run(batch, now);
    }
    return isMoving;
  }

  #wakeIn(ms: number): void {
    this.#batchTimer ??= this.#clock.startTimer(() => {
      this.#batchTimer = null;
      this.pump();
    }, ms);
  }

  /** False if the frame is too late to be worth the engine's time. */
  #leaveForEngine(job: FrameJob, now: number): boolean {
    const lane = this.#laneOf(job);
    this.#leaveAhead(lane, job);
    job.endStage('queue', now);
    if (now <= job.envelope.deadline) return true;
    this.#drop(lane, job, 'deadline');
    return false;
  }

  #drop(lane: ModelLane, job: FrameJob, reason: DropReason): void {
    this.#leaveAhead(lane, job);
    this.#returnBuffer(job);
    this.#options.frames.drop(lane.ledger, job, reason);
    this.flush(lane);
  }

  #leaveAhead(lane: ModelLane, job: FrameJob): void {
    if (lane.ahead !== job) return;
    lane.ahead = null;
    this.#ahead -= 1;
  }

  #returnBuffer(job: FrameJob): void {
    const buffer = job.takeLetterboxed();
    if (buffer !== null) this.#pool.release(buffer);
  }

  #laneOf(job: FrameJob): ModelLane {
    const lane = this.#options.lanes.get(job.envelope.camera);
    if (lane === undefined) throw new TypeError(`no camera ${job.envelope.camera}`);
    return lane;
  }
}
