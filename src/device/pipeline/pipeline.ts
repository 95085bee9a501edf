import type { DropReason } from '../../contract/drops.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { PROVIDER_TABLE } from '../../contract/providers.ts';
import type { Frame } from '../../core/frame.ts';
import { Tracker } from '../../core/tracking/tracker.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';
import type { EngineIncident, EngineInfo } from '../inference/engine.ts';
import type { CameraIntake } from './camera-intake.ts';
import { debugDrop } from './debug-drop.ts';
import { LimitsInForce } from './decode-limits.ts';
import { Delivery } from './delivery.ts';
import { FrameOutlet } from './frame-outlet.ts';
import { FramePath } from './frame-path.ts';
import { describeFrame } from './frame/describe-frame.ts';
import { FrameJob } from './frame/frame-job.ts';
import type { ResultSink } from './frame/frame-result.ts';
import { FramesInFlight } from './frames-in-flight.ts';
import { defaultLimits, type Limits, type LimitsPatch } from './limit-table.ts';
import type { ModelLane } from './model-lane.ts';
import { ModelLanes } from './model-lanes.ts';
import { PipelineNotices } from './pipeline-notices.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import type { FrameCounts } from './statistics/ledger.ts';
import { PipelineStats } from './statistics/pipeline-stats.ts';
import type { PipelineSnapshot, PipelineState } from './statistics/snapshot.ts';

const DEFAULTS = { maxWaitMs: 3, engineTimeoutMs: 10_000, sinkTimeoutMs: 2000, drainMs: 3000 } as const;

/**
 * The path of a frame, from the camera to the sinks: admission, gate, preprocess, batch, inference, order, track,
 * deliver. `offer` returns immediately; each offered frame is published, or dropped and counted by reason, and
 * `received = published + drops + in flight` at every instant.
 */
export class FramePipeline {
  readonly #options: PipelineOptions;
  readonly #clock: Clock;
  readonly #limits: LimitsInForce;
  readonly #notices: PipelineNotices;
  readonly #delivery: Delivery;
  readonly #outlet: FrameOutlet;
  readonly #lanes: ModelLanes;
  readonly #frames = new FramesInFlight();
  readonly #stats = new PipelineStats();
  #state: PipelineState = 'idle';
  #path: FramePath | null = null;
  #engineInfo: EngineInfo | null = null;
  #closing: Promise<void> | null = null;

  /** @throws GoshawkError `GOSHAWK_PARAMETER_INVALID` for options out of range */
  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { thresholds, labels } = options.manifest;
    const trackedFrom = options.tracking === true ? Tracker.wantsFrom : null;
    this.#limits = new LimitsInForce(defaultLimits(thresholds), options.limits ?? {}, {
      labels,
      trackedFrom,
    });
    this.#notices = new PipelineNotices(this.#clock, options.onNotice);
    this.#delivery = new Delivery({
      clock: this.#clock,
      timeoutMs: options.sinkTimeoutMs ?? DEFAULTS.sinkTimeoutMs,
      onFailure: (sink, reason) => {
        this.#notices.sinkFailed(sink, reason);
      },
    });
    for (const sink of options.sinks ?? []) this.#delivery.add(sink);
    this.#lanes = new ModelLanes(options);
    this.#outlet = this.#makeOutlet();
  }

  get state(): PipelineState {
    return this.#state;
  }

  /** what the engine turned out to be; null until it is loaded */
  get engineInfo(): EngineInfo | null {
    return this.#engineInfo;
  }

  get limits(): Limits {
    return this.#limits.limits;
  }

  /**
   * Loads and warms the engine; frames are still refused as `inactive`. Rejects with the engine's coded
   * error, or with `GOSHAWK_INTERNAL` if it was started before or closed meanwhile.
   */
  async start(): Promise<EngineInfo> {
    if (this.#state !== 'idle') throw wrongState(this.#state, 'started');
    this.#state = 'starting';
    this.#stats.begin(this.#clock.monotonicMs());
    this.#observeEngine();
    let info: EngineInfo;
    try {
      info = await this.#options.engine.start();
    } catch (error) {
      if (this.#stateNow() === 'starting') this.#state = 'idle';
      throw error;
    }
    if (this.#stateNow() !== 'starting') throw wrongState(this.#state, 'started');
    this.#engineInfo = info;
    this.#path = this.#makePath(info);
    this.#lanes.meetEngine(info.acceptsRaw);
    this.#stats.watchProcess();
    this.#state = 'inactive';
    return info;
  }

  /** Accepts frames from now on. @throws GoshawkError before `start` has resolved or after `close` */
  activate(): void {
    if (this.#state !== 'inactive' && this.#state !== 'active') throw wrongState(this.#state, 'activated');
    this.#state = 'active';
    this.#stats.activate(this.#clock.monotonicMs());
  }

  /** Accepts no more frames and lets those in flight finish; any left after `drainMs` are counted as lost. */
  async deactivate(): Promise<void> {
    if (this.#state !== 'active') return;
    this.#state = 'draining';
    this.#stats.deactivate(this.#clock.monotonicMs());
    await this.#drain('inactive');
    // `close` may have been called while the frames in flight finished
    if (this.#stateNow() === 'draining') this.#state = 'inactive';
  }

  /**
   * Shuts down: waiting frames are counted as `shutdown`, those in flight finish within `drainMs`. Safe to call twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * Accepts a frame. Returns immediately: `null`, or the reason for which it was dropped on the spot. The memory of the
   * image belongs to the pipeline from here on and may be moved to another thread.
   * @throws GoshawkError for a camera that was not registered
   */
  offer(frame: Frame): DropReason | null {
    const lane = this.#lanes.of(frame.envelope.camera);
    const { camera } = lane;
    const now = this.#clock.monotonicMs();
    this.#receive(camera, now);
    if (this.#state !== 'active') return refuseEntry(camera, 'inactive');
    const resets = camera.clockResets;
    const size = camera.admit(frame, this.#clock.wallMs(), now);
    if (typeof size === 'string') {
      this.#notices.frameRefused(camera.name, size, describeFrame(frame));
      return refuseEntry(camera, size);
    }
    if (camera.clockResets !== resets) this.#resetClock(lane);
    const digest = this.#engineInfo?.bundle.digest ?? '';
    const job = new FrameJob(frame, size, this.#options.manifest.input, camera.priority, digest);
    this.#frames.enter(job);
    const superseded = camera.gate.put(job);
    if (superseded !== null) this.#outlet.drop(lane, superseded, 'superseded');
    this.#path?.pump();
    return null;
  }

  /**
   * Counts a message that never became a frame (it does not parse, or has an unsupported encoding) as received and
   * dropped.
   */
  refuse(camera: string, reason: DropReason, detail?: string): void {
    const intake = this.#lanes.of(camera).camera;
    this.#receive(intake, this.#clock.monotonicMs());
    refuseEntry(intake, reason);
    if (detail !== undefined) this.#notices.frameRefused(camera, reason, detail);
  }

  /**
   * Changes limits from the next frame on.
   * @throws GoshawkError `GOSHAWK_PARAMETER_INVALID`; the old limits stay in force
   */
  setLimits(patch: LimitsPatch): Limits {
    return this.#limits.change(patch);
  }

  addSink(sink: ResultSink): void {
    this.#delivery.add(sink);
  }

  removeSink(sink: ResultSink): void {
    this.#delivery.remove(sink);
  }

  /** The ledgers of all cameras, added up. */
  counts(): FrameCounts {
    return this.#lanes.counts();
  }

  /**
   * Frames that entered and have been neither published nor dropped: the frames themselves, which the ledger must agree
   * with.
   */
  get framesInFlight(): number {
    return this.#frames.size;
  }

  snapshot(): PipelineSnapshot {
    const now = this.#clock.monotonicMs();
    return {
      ...this.#stats.read(now),
      state: this.#state,
      engine: this.#engineInfo,
      frames: this.counts(),
      cameras: this.#lanes.snapshot(now),
      sinks: this.#delivery.counts(),
    };
  }

  #makeOutlet(): FrameOutlet {
    return new FrameOutlet({
      engine: this.#options.engine,
      delivery: this.#delivery,
      frames: this.#frames,
      stats: this.#stats,
      clock: this.#clock,
      limits: () => this.#limits.limits,
    });
  }

  #makePath(info: EngineInfo): FramePath {
    const { engine, manifest, maxBatch, maxWaitMs, engineTimeoutMs } = this.#options;
    const isGpu = PROVIDER_TABLE[info.provider].device === 'gpu';
    const usualBatch = isGpu ? Math.max(1, this.#lanes.byCamera.size) : 1;
    return new FramePath({
      engine,
      lanes: this.#lanes.byCamera,
      target: manifest.input,
      batch: {
        maxBatch: Math.max(1, Math.min(maxBatch ?? usualBatch, info.maxBatch)),
        maxWaitMs: maxWaitMs ?? DEFAULTS.maxWaitMs,
      },
      engineTimeoutMs: engineTimeoutMs ?? DEFAULTS.engineTimeoutMs,
      clock: this.#clock,
      limits: () => this.#limits.forEngine,
      events: {
        onResult: (lane, job) => {
          this.#outlet.deliver(lane, job);
        },
        onDrop: (lane, job, reason) => {
          this.#outlet.drop(lane, job, reason);
        },
        wantsPixels: (camera) => this.#delivery.wantsPixels(camera),
        onNotice: (code, message, subject) => {
          this.#notices.fromPath(code, message, subject);
        },
      },
    });
  }

  #observeEngine(): void {
    const { engine } = this.#options;
    engine.onIncident((incident) => {
      this.#noteIncident(incident);
    });
    engine.follow?.({
      counts: () => this.#lanes.load(),
      onSizing: (info, level, message) => {
        this.#engineInfo = info;
        this.#notices.sizing(level, message);
        this.#path?.pump();
      },
    });
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.#stats.deactivate(this.#clock.monotonicMs());
    for (const lane of this.#lanes.byCamera.values()) {
      const waiting = lane.camera.gate.take();
      if (waiting !== null) this.#outlet.drop(lane, waiting, 'shutdown');
    }
    await this.#drain('shutdown');
    this.#path?.stop();
    this.#stats.stop();
    try {
      const closed = await withTimeLimit(this.#options.engine.close(), this.#drainMs, this.#clock);
      if (closed === TIME_IS_UP) this.#notices.engineCloseSlow();
    } finally {
      this.#state = 'closed';
    }
  }

  get #drainMs(): number {
    return this.#options.drainMs ?? DEFAULTS.drainMs;
  }

  /** Waits for the frames in flight, then gives up on the rest: `engine_lost` in the engine, `reason` elsewhere. */
  async #drain(reason: DropReason): Promise<void> {
    if (this.#frames.size > 0) await withTimeLimit(this.#frames.whenEmptied(), this.#drainMs, this.#clock);
    for (const { camera } of this.#lanes.byCamera.values()) camera.gate.take();
    for (const job of this.#frames.list()) {
      const lane = this.#lanes.of(job.envelope.camera);
      this.#outlet.drop(lane, job, job.state === 'inferring' ? 'engine_lost' : reason);
      this.#path?.forget(lane, job);
    }
  }

  #stateNow(): PipelineState {
    return this.#state;
  }

  #receive(camera: CameraIntake, now: number): void {
    camera.receive(now);
    this.#stats.noteReceived(now);
  }

  #resetClock({ camera, tracker }: ModelLane): void {
    tracker?.reset();
    this.#notices.clockReset(camera.name);
  }

  #noteIncident(incident: EngineIncident): void {
    this.#stats.noteIncident(incident);
    this.#notices.incident(incident);
  }
}

function refuseEntry({ ledger, name }: CameraIntake, reason: DropReason): DropReason {
  ledger.drop(reason);
  debugDrop(name, null, reason);
  return reason;
}

function wrongState(state: PipelineState, action: string): GoshawkError {
  return new GoshawkError('GOSHAWK_INTERNAL', {
    reason: `a pipeline that is ${state} cannot be ${action}`,
  });
}
