import type { DropReason } from '../../contract/drops.ts';
import { isCompressed, type ImageView } from '../../core/frame.ts';
import { measureFrame } from '../../core/image/statistics.ts';
import type {
  DecodeLimits,
  InferenceEngine,
  InferenceInput,
  InferenceItem,
  InferenceOutcome,
  InferenceTimes,
} from '../inference/engine.ts';
import { freeMemory } from '../../platform/free-memory.ts';
import { Batcher, type BatchLimits } from './scheduling/batcher.ts';
import { BufferPool } from './scheduling/buffer-pool.ts';
import type { CameraLane } from './camera-lane.ts';
import type { Clock, TimerHandle } from '../../platform/clock.ts';
import { restoreImage, toInferenceInput } from './inference-input.ts';
import type { FrameJob, NetworkInput } from './frame-job.ts';
import type { NoticeSubject } from './pipeline-options.ts';
import { StrideScheduler } from './scheduling/stride-scheduler.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';

/** What the path tells its owner. */
export interface FramePathEvents {
  /** A frame has its detections, and it is its turn among the frames of its camera. */
  onResult(lane: CameraLane, job: FrameJob): void;
  /** A frame left the path without a result. */
  onDrop(lane: CameraLane, job: FrameJob, reason: DropReason): void;
  /** True while the pixels of this camera's next frame are wanted. */
  wantsPixels(camera: string): boolean;
  onNotice(code: string, message: string, subject: NoticeSubject): void;
}

export interface FramePathOptions {
  readonly engine: InferenceEngine;
  readonly lanes: ReadonlyMap<string, CameraLane>;
  readonly input: NetworkInput;
  readonly batch: BatchLimits;
  /** milliseconds after which a job that the engine does not answer is given up */
  readonly engineTimeoutMs: number;
  /** brightness and sharpness are measured on each n-th frame of a camera; 0 for never */
  readonly statisticsEvery: number;
  readonly clock: Clock;
  readonly events: FramePathEvents;
  limits(): DecodeLimits;
}

/**
 * From the gates to the detections. A frame is taken from its gate only when the engine has a free slot, or
 * one batch ahead of it while sharp works, and never two of one camera: what waits, waits in the gate, where
 * a newer frame replaces it.
 */
export class FramePath {
  readonly #options: FramePathOptions;
  readonly #clock: Clock;
  readonly #lanes: readonly CameraLane[];
  readonly #scheduler = new StrideScheduler();
  readonly #batcher: Batcher;
  readonly #pool: BufferPool;
  #engineJobs = 0;
  #ahead = 0;
  #batchTimer: TimerHandle | null = null;
  readonly #isServable = (lane: CameraLane): boolean =>
    lane.gate.waiting !== null && lane.ahead === null && this.#ahead < this.#room(lane);

  constructor(options: FramePathOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#lanes = [...options.lanes.values()];
    this.#batcher = new Batcher(options.batch);
    const { width, height } = options.input;
    const { parallel, maxParallel = parallel } = options.engine;
    const inEngine = maxParallel * options.batch.maxBatch;
    this.#pool = new BufferPool(width * height * 3, 2 * inEngine + options.batch.maxBatch);
  }

  /** Moves everything on that can move. Called whenever a frame arrived or a slot became free. */
  pump(): void {
    do {
      for (;;) {
        const lane = this.#scheduler.pick(this.#lanes, this.#isServable);
        if (lane === null) break;
        this.#take(lane);
      }
    } while (this.#dispatch());
  }

  /** A frame was dropped from outside while it was on its way: its place is given to others. */
  forget(lane: CameraLane, job: FrameJob): void {
    this.#batcher.remove(job);
    this.#leaveAhead(lane, job);
    this.#returnBuffer(job);
    this.#flush(lane);
  }

  stop(): void {
    if (this.#batchTimer !== null) this.#clock.stopTimer(this.#batchTimer);
    this.#batchTimer = null;
  }

  /** Frames that may be on this side of the engine when one of this lane is taken. */
  #room(lane: CameraLane): number {
    const { engine, batch } = this.#options;
    const freeSlots = Math.max(0, engine.parallel - this.#engineJobs);
    const worksAhead = lane.choice.decision?.mode !== 'graph';
    return (freeSlots + (worksAhead ? 1 : 0)) * batch.maxBatch;
  }

  #take(lane: CameraLane): void {
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
    job.keepsPixels = this.#options.events.wantsPixels(lane.name);
    job.mode = lane.choice.modeFor(lane.width, lane.height, lane.encoding, isPacked(job));
    const { statisticsEvery } = this.#options;
    const isMeasured = statisticsEvery > 0 && lane.measured++ % statisticsEvery === 0;
    if (isMeasured && job.image !== null && !isCompressed(job.image))
      job.statistics = measureFrame(job.image);
    if (job.mode === 'graph') this.#becomeReady(job);
    else void this.#preprocess(lane, job, isMeasured);
  }

  async #preprocess(lane: CameraLane, job: FrameJob, isMeasured: boolean): Promise<void> {
    const { image, letterbox } = job;
    const buffer = this.#pool.acquire();
    if (image === null || buffer === null) {
      this.#drop(lane, job, 'inference_failed');
      return;
    }
    try {
      await lane.letterboxer.run(image, letterbox, this.#options.input, buffer);
    } catch (error) {
      this.#pool.release(buffer);
      this.#notice(lane, 'FRAME_UNREADABLE', messageOf(error));
      this.#drop(lane, job, isCompressed(image) ? 'corrupt_image' : 'malformed');
      this.pump();
      return;
    }
    if (job.isSettled) {
      this.#pool.release(buffer);
      return;
    }
    job.buffer = buffer;
    if (isMeasured && isCompressed(image)) job.statistics = measureFrame(scaledPart(buffer, letterbox));
    if (!job.keepsPixels) this.#dropImage(job);
    this.#becomeReady(job);
    this.pump();
  }

  #becomeReady(job: FrameJob): void {
    job.endStage('preprocess', this.#clock.monotonicMs());
    this.#batcher.add(job);
  }

  /** Hands batches that are due to the engine while it has slots. True where any went. */
  #dispatch(): boolean {
    let isMoving = false;
    while (this.#engineJobs < this.#options.engine.parallel) {
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
      if (kept > 0) void this.#infer(batch, now);
    }
    return isMoving;
  }

  #wakeIn(ms: number): void {
    this.#batchTimer ??= this.#clock.startTimer(() => {
      this.#batchTimer = null;
      this.pump();
    }, ms);
  }

  /** False where the frame is too late to be worth the engine's time. */
  #leaveForEngine(job: FrameJob, now: number): boolean {
    const lane = this.#laneOf(job);
    this.#leaveAhead(lane, job);
    job.endStage('queue', now);
    if (now <= job.envelope.deadline) return true;
    this.#drop(lane, job, 'deadline');
    return false;
  }

  async #infer(batch: readonly FrameJob[], sentAt: number): Promise<void> {
    this.#engineJobs += 1;
    const outcome = await this.#ask(batch);
    this.#engineJobs -= 1;
    const now = this.#clock.monotonicMs();
    for (let i = 0; i < batch.length; i++) {
      const job = batch[i];
      if (job === undefined) continue;
      job.isInEngine = false;
      if (typeof outcome === 'string') this.#lose(job, outcome);
      else this.#receive(job, outcome.items[i], outcome.times, sentAt, now);
    }
    this.pump();
  }

  async #ask(batch: readonly FrameJob[]): Promise<InferenceOutcome | DropReason> {
    const { engine, input, engineTimeoutMs } = this.#options;
    try {
      const inputs: InferenceInput[] = [];
      for (const job of batch) {
        job.isInEngine = true;
        inputs.push(toInferenceInput(job, input.width));
      }
      const work = engine.infer(inputs, this.#options.limits());
      const outcome = await withTimeLimit(work, engineTimeoutMs, this.#clock);
      return outcome === TIME_IS_UP ? 'engine_lost' : outcome;
    } catch (error) {
      this.#options.events.onNotice('GOSHAWK_INFERENCE_FAILED', messageOf(error), { reason: 'job' });
      return 'inference_failed';
    }
  }

  /** The whole job came to nothing, and its buffers with it. */
  #lose(job: FrameJob, reason: DropReason): void {
    if (job.mode === 'sharp' && job.buffer === null) this.#pool.release(undefined);
    this.#drop(this.#laneOf(job), job, reason);
  }

  #receive(
    job: FrameJob,
    item: InferenceItem | undefined,
    times: InferenceTimes,
    sentAt: number,
    now: number,
  ): void {
    const lane = this.#laneOf(job);
    if (job.mode === 'sharp') this.#pool.release(item?.pixels);
    else if (!job.keepsPixels && item?.pixels !== undefined) freeMemory(item.pixels);
    if (job.isSettled) return;
    if (item === undefined || !item.ok) {
      this.#receiveFailure(lane, job, item);
      return;
    }
    job.addTo('inference', times.inference);
    job.addTo('decode', times.decode);
    job.addTo('queue', now - sentAt - times.inference - times.decode);
    const cost = now - sentAt + (job.stageMs[1] ?? 0);
    const decision = lane.choice.report(job.mode, cost);
    if (decision !== null) this.#notice(lane, 'PREPROCESS_CHOSEN', `${decision.mode} (${decision.why})`);
    if (job.keepsPixels && job.moved !== null) job.image = restoreImage(job.moved, item.pixels);
    job.detections = item.detections;
    job.since = now;
    if (now > job.envelope.deadline) this.#drop(lane, job, 'deadline');
    else if (!lane.order.includes(job)) this.#drop(lane, job, 'out_of_order');
    else {
      job.isDone = true;
      this.#flush(lane);
    }
  }

  #receiveFailure(lane: CameraLane, job: FrameJob, item: (InferenceItem & { ok: false }) | undefined): void {
    const reason = item?.reason ?? 'inference_failed';
    const message = item?.message ?? 'the engine gave no outcome for a frame';
    this.#notice(lane, item?.code ?? 'GOSHAWK_INFERENCE_FAILED', message, reason);
    if (job.mode === 'graph' && reason !== 'engine_lost' && reason !== 'invalid_output') {
      const decision = lane.choice.giveUpGraph(message);
      if (decision !== null) this.#notice(lane, 'PREPROCESS_CHOSEN', `sharp (${decision.why})`);
    }
    this.#drop(lane, job, reason);
  }

  #notice(lane: CameraLane, code: string, message: string, reason?: DropReason): void {
    const subject = { camera: lane.name, ...(reason === undefined ? {} : { reason }) };
    this.#options.events.onNotice(code, `${lane.name}: ${message}`, subject);
  }

  #drop(lane: CameraLane, job: FrameJob, reason: DropReason): void {
    this.#leaveAhead(lane, job);
    this.#returnBuffer(job);
    if (!job.isSettled) this.#options.events.onDrop(lane, job, reason);
    this.#flush(lane);
  }

  /** Delivers what is next in order. */
  #flush(lane: CameraLane): void {
    for (;;) {
      const job = lane.order.next();
      if (job === null) return;
      this.#options.events.onResult(lane, job);
    }
  }

  #leaveAhead(lane: CameraLane, job: FrameJob): void {
    if (lane.ahead !== job) return;
    lane.ahead = null;
    this.#ahead -= 1;
  }

  #returnBuffer(job: FrameJob): void {
    if (job.buffer === null) return;
    this.#pool.release(job.buffer);
    job.buffer = null;
  }

  /** No one needs the image as it came any more. */
  #dropImage(job: FrameJob): void {
    if (job.image !== null) freeMemory(job.image.data);
    job.image = null;
  }

  #laneOf(job: FrameJob): CameraLane {
    const lane = this.#options.lanes.get(job.envelope.camera);
    if (lane === undefined) throw new TypeError(`no camera ${job.envelope.camera}`);
    return lane;
  }
}

function isPacked(job: FrameJob): boolean {
  const { image } = job;
  return image !== null && !isCompressed(image) && (image.encoding === 'rgb8' || image.encoding === 'bgr8');
}

/** The image inside a letterboxed buffer, without its border. */
function scaledPart(buffer: Uint8Array, letterbox: FrameJob['letterbox']): ImageView {
  const step = letterbox.inputWidth * 3;
  const start = letterbox.padY * step + letterbox.padX * 3;
  return {
    width: letterbox.scaledWidth,
    height: letterbox.scaledHeight,
    encoding: 'rgb8',
    step,
    data: buffer.subarray(start),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
