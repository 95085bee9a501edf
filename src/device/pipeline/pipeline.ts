import type { DropReason } from '../../contract/drops.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { Frame } from '../../core/frame.ts';
import { Tracker } from '../../core/tracking/tracker.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';
import type { LoadCounts } from '../../core/sizing/load-watch.ts';
import type { EngineInfo } from '../inference/engine.ts';
import { CameraIntake } from './camera-intake.ts';
import { debugDrop } from './debug-drop.ts';
import { LimitsInForce } from './decode-limits.ts';
import { Delivery } from './delivery.ts';
import { describeFrame } from './frame/describe-frame.ts';
import type { ResultSink } from './frame/frame-result.ts';
import { defaultLimits, type Limits, type LimitsPatch } from './limit-table.ts';
import { PipelineModel } from './pipeline-model.ts';
import { PipelineNotices } from './pipeline-notices.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import { sumCounts, type FrameCounts } from './statistics/ledger.ts';
import { PipelineStats } from './statistics/pipeline-stats.ts';
import type { CameraSnapshot, PipelineSnapshot, PipelineState } from './statistics/snapshot.ts';

const DEFAULTS = { sinkTimeoutMs: 2000, drainMs: 3000, stamps: { staleMs: 0, futureMs: 0 } } as const;

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
  readonly #cameras = new Map<string, CameraIntake>();
  readonly #stats = new PipelineStats();
  #state: PipelineState = 'idle';
  /** null until the engine is loaded */
  #model: PipelineModel | null = null;
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
      onFailure: (sink, reason) => this.#notices.sinkFailed(sink, reason),
    });
    for (const sink of options.sinks ?? []) this.#delivery.add(sink);
    for (const camera of options.cameras)
      this.#cameras.set(camera.name, new CameraIntake(camera, options.stamps ?? DEFAULTS.stamps));
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
    this.#model = this.#makeModel(info);
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
    await this.#model?.drain('inactive', this.#drainMs);
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
    const camera = this.#camera(frame.envelope.camera);
    const now = this.#clock.monotonicMs();
    this.#receive(camera, now);
    if (this.#state !== 'active') return refuseEntry(camera, 'inactive');
    const resets = camera.clockResets;
    const size = camera.admit(frame, this.#clock.wallMs(), now);
    if (typeof size === 'string') {
      this.#notices.frameRefused(camera.name, size, describeFrame(frame));
      return refuseEntry(camera, size);
    }
    if (camera.clockResets !== resets) {
      camera.resetClock();
      this.#notices.clockReset(camera.name);
    }
    camera.pass(frame, size);
    return null;
  }

  /**
   * Counts a message that never became a frame (it does not parse, or has an unsupported encoding) as received and
   * dropped.
   */
  refuse(camera: string, reason: DropReason, detail?: string): void {
    const intake = this.#camera(camera);
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

  /** The ledgers of all cameras, added up. */
  counts(): FrameCounts {
    return sumCounts(Array.from(this.#cameras.values(), ({ ledger }) => ledger));
  }

  /**
   * Frames that entered and have been neither published nor dropped: the frames themselves, which the ledger must agree
   * with.
   */
  get framesInFlight(): number {
    return this.#model?.framesInFlight ?? 0;
  }

  snapshot(): PipelineSnapshot {
    const now = this.#clock.monotonicMs();
    const cameras: Record<string, CameraSnapshot> = {};
    for (const [name, camera] of this.#cameras)
      cameras[name] = {
        ...camera.snapshot(now),
        preprocess: this.#model?.lanes.get(name)?.choice.decision ?? null,
      };
    return {
      ...this.#stats.read(now),
      state: this.#state,
      engine: this.#engineInfo,
      frames: this.counts(),
      cameras,
      sinks: this.#delivery.counts(),
    };
  }

  #makeModel(info: EngineInfo): PipelineModel {
    const options = {
      ...this.#options,
      info,
      target: this.#options.manifest.input,
      limits: this.#limits,
      delivery: this.#delivery,
      stats: this.#stats,
      notices: this.#notices,
      clock: this.#clock,
    };
    return new PipelineModel(options, this.#cameras.values());
  }

  #observeEngine(): void {
    const { engine } = this.#options;
    engine.onIncident((incident) => {
      this.#stats.noteIncident(incident);
      this.#notices.incident(incident);
    });
    engine.follow?.({
      counts: () => this.#load(),
      onSizing: (info, level, message) => {
        this.#engineInfo = info;
        this.#notices.sizing(level, message);
        this.#model?.pump();
      },
    });
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.#stats.deactivate(this.#clock.monotonicMs());
    this.#model?.dropWaiting('shutdown');
    await this.#model?.drain('shutdown', this.#drainMs);
    this.#model?.stop();
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

  /** @throws GoshawkError `GOSHAWK_INTERNAL` for a camera that was not registered */
  #camera(name: string): CameraIntake {
    const camera = this.#cameras.get(name);
    if (camera === undefined)
      throw new GoshawkError('GOSHAWK_INTERNAL', { reason: `no camera "${name}" is registered` });
    return camera;
  }

  /** What an engine that sizes itself watches. */
  #load(): LoadCounts {
    const load = { received: 0, superseded: 0, published: 0 };
    for (const { ledger } of this.#cameras.values()) {
      load.received += ledger.received;
      load.superseded += ledger.dropped('superseded');
      load.published += ledger.published;
    }
    return load;
  }

  #stateNow(): PipelineState {
    return this.#state;
  }

  #receive(camera: CameraIntake, now: number): void {
    camera.receive(now);
    this.#stats.noteReceived(now);
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
