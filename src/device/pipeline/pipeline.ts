import type { DropReason } from '../../contract/drops.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { isCompressed, type Frame, type ImageView, type Stamp } from '../../core/frame.ts';
import type { LoadCounts } from '../../core/sizing/load-watch.ts';
import { Tracker } from '../../core/tracking/tracker.ts';
import { freeMemory } from '../../platform/free-memory.ts';
import type { DecodeLimits, EngineIncident, EngineInfo } from '../inference/engine.ts';
import { CameraLane } from './camera-lane.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { clocksAgree } from '../../core/clocks-agree.ts';
import { decodeToRgb } from '../imaging/decode-image.ts';
import { changeLimits, cutToLimits, toDecodeLimits, type Limits, type LimitsPatch } from './decode-limits.ts';
import { Delivery } from './delivery.ts';
import { describeFrame } from './describe-frame.ts';
import { checkImage, DEFAULT_SIZE_LIMITS, type SizeLimits } from '../imaging/frame-check.ts';
import { FrameJob, type NetworkInput } from './frame-job.ts';
import { FramePath } from './frame-path.ts';
import type { ResultSink } from './frame-result.ts';
import { sumCounts, type FrameCounts } from './statistics/ledger.ts';
import { NoticeThrottle } from './notice-throttle.ts';
import type { PipelineNotice, PipelineOptions } from './pipeline-options.ts';
import { PipelineStats } from './statistics/pipeline-stats.ts';
import { PreprocessChoice } from './preprocess-choice.ts';
import type { CameraSnapshot, PipelineSnapshot, PipelineState } from './statistics/snapshot.ts';
import { stampAge } from './stamp-guard.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';

const DEFAULTS = {
  maxWaitMs: 3,
  engineTimeoutMs: 10_000,
  sinkTimeoutMs: 2000,
  drainMs: 3000,
  statisticsEvery: 5,
} as const;

/**
 * The way of a frame, from the camera's hand to the sinks: gate, preprocess, batch, inference, order, track,
 * deliver. `offer` returns at once; each frame offered is published, or dropped and counted by reason, and
 * `received = published + drops + in flight` at every instant.
 */
export class FramePipeline {
  readonly #options: PipelineOptions;
  readonly #clock: Clock;
  readonly #lanes = new Map<string, CameraLane>();
  readonly #input: NetworkInput;
  readonly #sizes: SizeLimits;
  readonly #delivery: Delivery;
  readonly #notices: NoticeThrottle;
  readonly #inFlight = new Set<FrameJob>();
  readonly #stats = new PipelineStats();
  #idleWaiters: (() => void)[] = [];
  #limits: Limits;
  #decodeLimits: DecodeLimits;
  #state: PipelineState = 'idle';
  #path: FramePath | null = null;
  #engineInfo: EngineInfo | null = null;
  #closing: Promise<void> | null = null;

  /** @throws GoshawkError `GOSHAWK_PARAMETER_INVALID` for options out of range */
  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { input, thresholds, labels } = options.manifest;
    this.#input = input;
    this.#sizes = { ...DEFAULT_SIZE_LIMITS, ...options.sizes };
    this.#limits = changeLimits({ ...thresholds, classes: null }, options.limits ?? {}, labels);
    this.#decodeLimits = this.#toDecodeLimits();
    this.#notices = new NoticeThrottle(this.#clock, options.onNotice);
    this.#delivery = new Delivery({
      clock: this.#clock,
      timeoutMs: options.sinkTimeoutMs ?? DEFAULTS.sinkTimeoutMs,
      onFailure: (sink, reason) => {
        const message = `${sink}: ${reason}`;
        this.#notices.send({ level: 'warn', code: 'SINK_FAILED', reason: sink, message });
      },
    });
    for (const sink of options.sinks ?? []) this.#delivery.add(sink);
    for (const camera of options.cameras) this.#addLane(camera);
  }

  get state(): PipelineState {
    return this.#state;
  }

  /** what the engine turned out to be; null until it is loaded */
  get engineInfo(): EngineInfo | null {
    return this.#engineInfo;
  }

  get limits(): Limits {
    return this.#limits;
  }

  /**
   * Loads and warms the engine; frames are still refused as `inactive`. Rejects with the engine's coded error, or with
   * `GOSHAWK_INTERNAL` where it was started before or closed meanwhile.
   */
  async start(): Promise<EngineInfo> {
    const { engine } = this.#options;
    if (this.#state !== 'idle') throw wrongState(this.#state, 'started');
    this.#state = 'starting';
    this.#stats.begin(this.#clock.monotonicMs());
    engine.onIncident((incident) => {
      this.#noteIncident(incident);
    });
    engine.follow?.({
      counts: () => this.#load(),
      onSizing: (info, level, message) => {
        this.#engineInfo = info;
        this.#notices.send({ level, code: 'ENGINE_SIZING', message });
        this.#path?.pump();
      },
    });
    let info: EngineInfo;
    try {
      info = await engine.start();
    } catch (error) {
      if (this.#stateNow() === 'starting') this.#state = 'idle';
      throw error;
    }
    if (this.#stateNow() !== 'starting') throw wrongState(this.#state, 'started');
    this.#engineInfo = info;
    this.#path = this.#makePath(info);
    for (const lane of this.#lanes.values())
      lane.choice = new PreprocessChoice(this.#options.preprocess ?? 'auto', info.acceptsRaw);
    this.#stats.watchProcess();
    this.#state = 'inactive';
    return info;
  }

  /** Frames are taken from now on. @throws GoshawkError before `start` has resolved or after `close` */
  activate(): void {
    if (this.#state !== 'inactive' && this.#state !== 'active') throw wrongState(this.#state, 'activated');
    this.#state = 'active';
    this.#stats.activate(this.#clock.monotonicMs());
  }

  /** Takes no more frames and lets those in hand finish; what is still there after `drainMs` is counted as lost. */
  async deactivate(): Promise<void> {
    if (this.#state !== 'active') return;
    this.#state = 'draining';
    this.#stats.deactivate(this.#clock.monotonicMs());
    await this.#drain('inactive');
    // `close` may have been called while the frames in hand finished
    if (this.#stateNow() === 'draining') this.#state = 'inactive';
  }

  /**
   * Ends everything: waiting frames are counted as `shutdown`, those in hand finish within `drainMs`. Safe to
   * call twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * Takes a frame in. Returns at once with `null`, or with the reason for which it was dropped on the spot.
   * The memory of the image belongs to the pipeline from here on: it may be moved to another thread.
   * @throws GoshawkError for a camera that was not registered
   */
  offer(frame: Frame): DropReason | null {
    const lane = this.#lane(frame.envelope.camera);
    const now = this.#clock.monotonicMs();
    this.#noteReceived(lane, now);
    if (this.#state !== 'active') return this.#refuseEntry(lane, 'inactive');
    const size = checkImage(frame.image, this.#sizes);
    if (typeof size === 'string') return this.#refuseFrame(lane, size, frame);
    const { stamp } = frame.envelope;
    const wallMs = this.#clock.wallMs();
    lane.stampAgeMs = stampAge(stamp, wallMs);
    const resets = lane.stamps.clockResets;
    const badStamp = lane.stamps.judge(stamp, wallMs, now);
    if (badStamp !== null) return this.#refuseFrame(lane, badStamp, frame);
    if (lane.stamps.clockResets !== resets) this.#noteClockReset(lane);
    lane.width = size.width;
    lane.height = size.height;
    lane.encoding = isCompressed(frame.image) ? frame.image.format : frame.image.encoding;
    const digest = this.#engineInfo?.bundle.digest ?? '';
    const job = new FrameJob(frame, size, this.#input, lane.priority, digest);
    this.#inFlight.add(job);
    const superseded = lane.gate.put(job);
    if (superseded !== null) this.#drop(lane, superseded, 'superseded');
    this.#path?.pump();
    return null;
  }

  /**
   * Counts a message that never became a frame (it does not parse, or has an encoding that no one reads) as
   * received and dropped.
   */
  refuse(camera: string, reason: DropReason, detail?: string): void {
    const lane = this.#lane(camera);
    this.#noteReceived(lane, this.#clock.monotonicMs());
    this.#refuseEntry(lane, reason);
    if (detail !== undefined) this.#noteRefusal(lane, reason, detail);
  }

  /**
   * Changes limits from the next frame on.
   * @throws GoshawkError `GOSHAWK_PARAMETER_INVALID`; the old limits stay in force
   */
  setLimits(patch: LimitsPatch): Limits {
    const { labels } = this.#options.manifest;
    this.#limits = changeLimits(this.#limits, patch, labels);
    this.#decodeLimits = this.#toDecodeLimits();
    return this.#limits;
  }

  #toDecodeLimits(): DecodeLimits {
    const { manifest, tracking } = this.#options;
    return toDecodeLimits(this.#limits, manifest.labels, tracking === true ? Tracker.wantsFrom : null);
  }

  addSink(sink: ResultSink): void {
    this.#delivery.add(sink);
  }

  removeSink(sink: ResultSink): void {
    this.#delivery.remove(sink);
  }

  /** The accounts of all cameras. */
  counts(): FrameCounts {
    return sumCounts(Array.from(this.#lanes.values(), (lane) => lane.ledger));
  }

  #load(): LoadCounts {
    const load = { received: 0, superseded: 0, published: 0 };
    for (const { ledger } of this.#lanes.values()) {
      load.received += ledger.received;
      load.superseded += ledger.dropped('superseded');
      load.published += ledger.published;
    }
    return load;
  }

  /**
   * Frames that were taken in and have neither been published nor dropped: the frames themselves, which the
   * ledger must agree with.
   */
  get framesInFlight(): number {
    return this.#inFlight.size;
  }

  snapshot(): PipelineSnapshot {
    const now = this.#clock.monotonicMs();
    const cameras: Record<string, CameraSnapshot> = {};
    for (const lane of this.#lanes.values()) cameras[lane.name] = lane.snapshot(now);
    return {
      ...this.#stats.read(now),
      state: this.#state,
      engine: this.#engineInfo,
      frames: this.counts(),
      cameras,
      sinks: this.#delivery.counts(),
    };
  }

  #addLane(camera: PipelineOptions['cameras'][number]): void {
    const { tracking, stamps, preprocess, engine } = this.#options;
    const priority = camera.priority ?? 1;
    if (!(priority >= 1 && priority <= 100))
      throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
        name: `priority of ${camera.name}`,
        value: priority,
        reason: 'must be from 1 to 100',
      });
    const lane = new CameraLane(camera, {
      stamps: stamps ?? { staleMs: 0, futureMs: 0 },
      preprocess: preprocess ?? 'auto',
      reorderWindow: () => Math.max(2, engine.reorderWindow ?? engine.parallel),
      isTracking: tracking ?? false,
    });
    this.#lanes.set(camera.name, lane);
  }

  #makePath(info: EngineInfo): FramePath {
    const { engine, maxBatch, maxWaitMs, engineTimeoutMs, statisticsEvery } = this.#options;
    const usualBatch = info.provider === 'cpu' ? 1 : Math.max(1, this.#lanes.size);
    return new FramePath({
      engine,
      lanes: this.#lanes,
      input: this.#input,
      batch: {
        maxBatch: Math.max(1, Math.min(maxBatch ?? usualBatch, info.maxBatch)),
        maxWaitMs: maxWaitMs ?? DEFAULTS.maxWaitMs,
      },
      engineTimeoutMs: engineTimeoutMs ?? DEFAULTS.engineTimeoutMs,
      statisticsEvery: statisticsEvery ?? DEFAULTS.statisticsEvery,
      clock: this.#clock,
      limits: () => this.#decodeLimits,
      events: {
        onResult: (lane, job) => {
          this.#deliver(lane, job);
        },
        onDrop: (lane, job, reason) => {
          this.#drop(lane, job, reason);
        },
        wantsPixels: (camera) => this.#delivery.wantsPixels(camera),
        onNotice: (code, message, subject) => {
          const level = code === 'PREPROCESS_CHOSEN' ? 'info' : 'warn';
          this.#notices.send({ level, code, message, ...subject });
        },
      },
    });
  }

  #deliver(lane: CameraLane, job: FrameJob): void {
    const now = this.#clock.monotonicMs();
    job.endStage('queue', now);
    if (lane.tracker !== null) {
      lane.tracker.update(job.detections, lane.trackClock.next(job.envelope));
      // weak boxes were for the tracker alone
      cutToLimits(job.detections, this.#limits);
      job.endStage('track', this.#clock.monotonicMs());
    }
    job.totalMs = this.#clock.monotonicMs() - job.envelope.receivedAt;
    job.stampToNowMs = sinceStamp(job.envelope.stamp, this.#clock.wallMs());
    const outcome = this.#delivery.publish(job, rawPixels(job));
    if (typeof outcome === 'boolean') this.#finish(lane, job, outcome);
    else
      void outcome.then((isPublished) => {
        this.#finish(lane, job, isPublished);
      });
  }

  #finish(lane: CameraLane, job: FrameJob, isPublished: boolean): void {
    if (job.isSettled) return;
    if (!isPublished) {
      this.#drop(lane, job, 'publish_failed');
      return;
    }
    const now = this.#clock.monotonicMs();
    job.endStage('publish', now);
    job.totalMs = now - job.envelope.receivedAt;
    job.isSettled = true;
    lane.ledger.publish();
    lane.fpsOut.mark(now);
    lane.totals.record(job.totalMs);
    this.#stats.notePublished(job, now);
    this.#letGo(job);
    if (job.keepsPixels && job.image !== null && isCompressed(job.image)) void this.#shareDecoded(lane, job);
    else this.#share(job, rawPixels(job));
  }

  /** A sink wants the pixels of a compressed image: one at a time is decoded whole, others go without. */
  async #shareDecoded(lane: CameraLane, job: FrameJob): Promise<void> {
    const { image } = job;
    let pixels: ImageView | null = null;
    if (image !== null && isCompressed(image) && !lane.isDecoding) {
      lane.isDecoding = true;
      pixels = await decodeToRgb(image, this.#sizes.maxPixels).catch(() => null);
      lane.isDecoding = false;
    }
    this.#share(job, pixels);
  }

  /**
   * Gives a published result to all other sinks; once the last has let go of it, its memory may serve another
   * frame.
   */
  #share(job: FrameJob, pixels: ImageView | null): void {
    const { engine } = this.#options;
    const pending = this.#delivery.share(job, pixels);
    if (pending === null) engine.recycle?.(job.detections);
    else void pending.then(() => engine.recycle?.(job.detections));
  }

  #drop(lane: CameraLane, job: FrameJob, reason: DropReason): void {
    if (job.isSettled) return;
    job.isSettled = true;
    lane.ledger.drop(reason);
    // It lay in the gate: nothing else has its image.
    if (reason === 'superseded' && job.image !== null) freeMemory(job.image.data);
    this.#letGo(job);
  }

  #letGo(job: FrameJob): void {
    this.#inFlight.delete(job);
    if (this.#inFlight.size > 0 || this.#idleWaiters.length === 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.#stats.deactivate(this.#clock.monotonicMs());
    for (const lane of this.#lanes.values()) {
      const waiting = lane.gate.take();
      if (waiting !== null) this.#drop(lane, waiting, 'shutdown');
    }
    await this.#drain('shutdown');
    this.#path?.stop();
    this.#stats.stop();
    try {
      const closed = await withTimeLimit(this.#options.engine.close(), this.#drainMs, this.#clock);
      if (closed === TIME_IS_UP)
        this.#notices.send({ level: 'warn', code: 'ENGINE_CLOSE_SLOW', message: 'the engine does not end' });
    } finally {
      this.#state = 'closed';
    }
  }

  get #drainMs(): number {
    return this.#options.drainMs ?? DEFAULTS.drainMs;
  }

  /** Waits for the frames in hand, then gives up on the rest: `engine_lost` in the engine, `reason` elsewhere. */
  async #drain(reason: DropReason): Promise<void> {
    if (this.#inFlight.size > 0) {
      const idle = new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
      await withTimeLimit(idle, this.#drainMs, this.#clock);
    }
    for (const lane of this.#lanes.values()) lane.gate.take();
    for (const job of [...this.#inFlight]) {
      const lane = this.#lane(job.envelope.camera);
      this.#drop(lane, job, job.isInEngine ? 'engine_lost' : reason);
      this.#path?.forget(lane, job);
    }
  }

  #stateNow(): PipelineState {
    return this.#state;
  }

  #lane(camera: string): CameraLane {
    const lane = this.#lanes.get(camera);
    if (lane === undefined)
      throw new GoshawkError('GOSHAWK_INTERNAL', { reason: `no camera "${camera}" is registered` });
    return lane;
  }

  #noteReceived(lane: CameraLane, now: number): void {
    lane.ledger.receive();
    lane.lastReceivedAt = now;
    lane.fpsIn.mark(now);
    this.#stats.noteReceived(now);
  }

  #refuseEntry(lane: CameraLane, reason: DropReason): DropReason {
    lane.ledger.drop(reason);
    return reason;
  }

  #refuseFrame(lane: CameraLane, reason: DropReason, frame: Frame): DropReason {
    this.#noteRefusal(lane, reason, describeFrame(frame));
    return this.#refuseEntry(lane, reason);
  }

  #noteRefusal(lane: CameraLane, reason: DropReason, detail: string): void {
    const message = `${lane.name}: ${reason}: ${detail}`;
    this.#notices.send({ level: 'warn', code: 'FRAME_REFUSED', camera: lane.name, reason, message });
  }

  #noteClockReset(lane: CameraLane): void {
    lane.tracker?.reset();
    const message = `${lane.name}: stamps began anew (a recording that loops, or a clock that was set)`;
    this.#notices.send({ level: 'info', code: 'CLOCK_RESET', camera: lane.name, message });
  }

  #noteIncident(incident: EngineIncident): void {
    this.#stats.noteIncident(incident);
    const level: PipelineNotice['level'] = incident.kind === 'restored' ? 'info' : 'error';
    this.#notices.send({ level, code: incident.code, reason: incident.kind, message: incident.message });
  }
}

function wrongState(state: PipelineState, preferred: string): GoshawkError {
  return new GoshawkError('GOSHAWK_INTERNAL', {
    reason: `a pipeline that is ${state} cannot be ${preferred}`,
  });
}

function rawPixels(job: FrameJob): ImageView | null {
  return job.keepsPixels && job.image !== null && !isCompressed(job.image) ? job.image : null;
}

/**
 * Milliseconds from a stamp to now; `NaN` where the driver set none, or the clocks do not agree and it would
 * say nothing.
 */
function sinceStamp(stamp: Stamp, wallMs: number): number {
  const ms = stampAge(stamp, wallMs);
  return clocksAgree(ms) ? ms : Number.NaN;
}
