import type { DropReason } from '../../contract/drops.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { Frame } from '../../core/frame.ts';
import { Tracker } from '../../core/tracking/tracker.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';
import type { LoadCounts } from '../../core/sizing/load-watch.ts';
import type { EngineIncident, EngineInfo, InferenceEngine } from '../inference/engine.ts';
import { CameraIntake } from './camera-intake.ts';
import { checkSameLabels } from './check-labels.ts';
import { debugDrop } from './debug-drop.ts';
import { LimitsInForce } from './decode-limits.ts';
import { Delivery } from './delivery.ts';
import { describeFrame } from './frame/describe-frame.ts';
import type { ResultSink } from './frame/frame-result.ts';
import { defaultLimits, type Limits, type LimitsPatch } from './limit-table.ts';
import { PipelineModel, type GraphFailures } from './pipeline-model.ts';
import { PipelineNotices } from './pipeline-notices.ts';
import type { ModelManifest, NextModel, PipelineOptions } from './pipeline-options.ts';
import { sumCounts, type FrameCounts } from './statistics/ledger.ts';
import { PipelineStats } from './statistics/pipeline-stats.ts';
import type { CameraSnapshot, PipelineSnapshot, PipelineState } from './statistics/snapshot.ts';
import { warmEngine } from './warm-engine.ts';

const REPLACED = 'another model took over';
const NONE: GraphFailures = new Map();

const DEFAULTS = { sinkTimeoutMs: 2000, drainMs: 3000, stamps: { staleMs: 0, futureMs: 0 } } as const;

/** A model that is loaded and warm. */
interface Prepared {
  readonly info: EngineInfo;
  readonly graphFailures: GraphFailures;
}

/**
 * The path of a frame, from the camera to the sinks: admission, gate, preprocess, batch, inference, order, track,
 * deliver. `offer` returns immediately; each offered frame is published, or dropped and counted by reason, and
 * `received = published + drops + in flight` at every instant.
 */
export class FramePipeline {
  readonly #options: PipelineOptions;
  readonly #clock: Clock;
  #limits: LimitsInForce;
  #engine: InferenceEngine;
  /** labels are those of every model that it runs */
  #manifest: ModelManifest;
  readonly #notices: PipelineNotices;
  readonly #delivery: Delivery;
  readonly #cameras = new Map<string, CameraIntake>();
  readonly #stats = new PipelineStats();
  #state: PipelineState = 'idle';
  /** null until the engine is loaded */
  #model: PipelineModel | null = null;
  #engineInfo: EngineInfo | null = null;
  #closing: Promise<void> | null = null;
  /** the model that another one takes over from, until its last frame has left */
  #leaving: { readonly model: PipelineModel; readonly engine: InferenceEngine } | null = null;
  /** the engine of a model that is to take over */
  #incoming: InferenceEngine | null = null;
  /** settles when the other model has taken over or was given up, and what it replaced is closed */
  #swapping: Promise<unknown> = Promise.resolve();
  /** runners of the engine that were lost and not replaced yet */
  #missing = 0;

  /** @throws GoshawkError `GOSHAWK_PARAMETER_INVALID` for options out of range */
  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#engine = options.engine;
    this.#manifest = options.manifest;
    this.#limits = this.#limitsFor(options.manifest, options.limits ?? {});
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

  get tracking(): boolean {
    return this.#options.tracking === true;
  }

  /**
   * Loads and warms the engine; frames are still refused as `inactive`. Rejects with the engine's coded
   * error, or with `GOSHAWK_INTERNAL` if it was started before or closed meanwhile.
   */
  async start(): Promise<EngineInfo> {
    if (this.#state !== 'idle') throw wrongState(this.#state, 'started');
    this.#state = 'starting';
    this.#stats.begin(this.#clock.monotonicMs());
    this.#observe(this.#engine);
    let info: EngineInfo;
    try {
      info = await this.#engine.start();
    } catch (error) {
      if (this.#stateNow() === 'starting') this.#state = 'idle';
      throw error;
    }
    if (this.#stateNow() !== 'starting') throw wrongState(this.#state, 'started');
    this.#engineInfo = info;
    this.#model = this.#makeModel(info, null);
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
   * Runs another model instead, without a gap: it is loaded and warm before it gets its first frame, and frames in
   * flight finish in the one before, which is then closed. Each result names the bundle that made it.
   * @throws GoshawkError `GOSHAWK_SWAP_LABELS` for other classes than before, `GOSHAWK_SWAP_LOST` for an engine that is
   * lost before it takes over, or its own coded error; then the model that runs goes on
   */
  swap(next: NextModel): Promise<EngineInfo> {
    const swapping = this.#swap(next);
    this.#swapping = Promise.allSettled([this.#swapping, swapping]);
    return swapping;
  }

  async #swap(next: NextModel): Promise<EngineInfo> {
    if (this.#state !== 'active' && this.#state !== 'inactive')
      throw wrongState(this.#state, 'given another model');
    if (this.#incoming !== null) throw wrongState('loading another model', 'given a third one');
    this.#incoming = next.engine;
    try {
      checkSameLabels(this.#manifest.labels, next.manifest.labels);
      const { info, graphFailures } = await this.#prepare(next);
      await this.#takeOver(next, info, graphFailures);
      return info;
    } catch (error) {
      if (this.#engine !== next.engine) await next.engine.close();
      throw error;
    } finally {
      this.#incoming = null;
    }
  }

  /**
   * Changes limits from the next frame on.
   * @throws GoshawkError `GOSHAWK_PARAMETER_INVALID`; the old limits stay in force
   */
  setLimits(patch: LimitsPatch): Limits {
    return this.#limits.change(patch);
  }

  /**
   * Lays limits over those of the operator until the next call; an empty patch takes them away.
   * @throws GoshawkError `GOSHAWK_PARAMETER_INVALID`; the old limits stay in force
   */
  overrideLimits(patch: LimitsPatch): Limits {
    return this.#limits.override(patch);
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
    return this.#models.reduce((sum, { framesInFlight }) => sum + framesInFlight, 0);
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

  #limitsFor({ thresholds, labels }: ModelManifest, patch: LimitsPatch): LimitsInForce {
    const trackedFrom = this.#options.tracking === true ? Tracker.wantsFrom : null;
    return new LimitsInForce(defaultLimits(thresholds), patch, { labels, trackedFrom });
  }

  #makeModel(
    info: EngineInfo,
    replaced: PipelineModel | null,
    graphFailures: GraphFailures = NONE,
  ): PipelineModel {
    const options = {
      ...this.#options,
      engine: this.#engine,
      info,
      graphFailures,
      target: this.#manifest.input,
      limits: this.#limits,
      delivery: this.#delivery,
      stats: this.#stats,
      notices: this.#notices,
      clock: this.#clock,
    };
    return new PipelineModel(options, this.#cameras.values(), replaced);
  }

  /** What an engine reports counts only while it serves. */
  #observe(engine: InferenceEngine): void {
    engine.onIncident((incident) => {
      if (engine === this.#engine) this.#noteIncident(incident);
    });
    engine.follow?.({
      counts: () => this.#load(),
      onSizing: (info, level, message) => {
        if (engine !== this.#engine) return;
        this.#engineInfo = info;
        this.#notices.sizing(level, message);
        this.#model?.pump();
      },
    });
  }

  #noteIncident(incident: EngineIncident): void {
    if (incident.kind === 'lost') this.#missing += 1;
    if (incident.kind === 'restored') this.#missing -= 1;
    this.#stats.noteIncident(incident);
    this.#notices.incident(incident);
  }

  /**
   * Loads a model next to the one that runs. The caller has to close its engine if this rejects.
   * @throws GoshawkError `GOSHAWK_SWAP_LOST` if it loaded and then lost a runner, also one that is back meanwhile: it
   * is not trusted with frames, which the model that runs does not lose
   */
  async #prepare({ engine, manifest }: NextModel): Promise<Prepared> {
    const lost: EngineIncident[] = [];
    engine.onIncident((incident) => {
      if (incident.kind === 'lost') lost.push(incident);
    });
    const info = await engine.start();
    const warmed = await warmEngine({
      engine,
      info,
      target: manifest.input,
      cameras: [...this.#cameras.values()],
      limits: this.#limits.forEngine,
      preprocess: this.#options.preprocess ?? 'auto',
    }).catch((error: unknown) => {
      // a loss is why it did not run
      if (lost.length === 0) throw error;
      return NONE;
    });
    const [first] = lost;
    if (first !== undefined) throw lostBefore(info, first);
    if (this.#stateNow() !== 'active' && this.#stateNow() !== 'inactive')
      throw wrongState(this.#state, 'given another model');
    return { info, graphFailures: warmed };
  }

  /** From one frame to the next the other model has the cameras; the one before finishes its frames and goes. */
  async #takeOver(
    { engine, manifest, limits }: NextModel,
    info: EngineInfo,
    graphFailures: GraphFailures,
  ): Promise<void> {
    const { overridden } = this.#limits;
    const leaving = this.#model === null ? null : { model: this.#model, engine: this.#engine };
    const inForce = this.#limitsFor(manifest, limits());
    inForce.override(overridden);
    this.#manifest = manifest;
    this.#limits = inForce;
    for (; this.#missing > 0;)
      this.#noteIncident({
        kind: 'restored',
        code: 'GOSHAWK_ENGINE_CRASHED',
        message: REPLACED,
        lostJobs: 0,
      });
    this.#engine = engine;
    this.#engineInfo = info;
    this.#observe(engine);
    this.#model = this.#makeModel(info, leaving?.model ?? null, graphFailures);
    this.#leaving = leaving;
    if (leaving !== null) await this.#model.follow(leaving.model, this.#drainMs);
    await leaving?.engine.close();
    this.#leaving = null;
  }

  /** Those that have frames in flight. */
  get #models(): readonly PipelineModel[] {
    return [this.#leaving?.model, this.#model].filter((model) => model !== undefined && model !== null);
  }

  async #drain(reason: DropReason): Promise<void> {
    await Promise.all(this.#models.map((model) => model.drain(reason, this.#drainMs)));
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    this.#stats.deactivate(this.#clock.monotonicMs());
    for (const model of this.#models) model.dropWaiting('shutdown');
    await this.#drain('shutdown');
    for (const model of this.#models) model.stop();
    this.#stats.stop();
    try {
      const engines = [this.#engine, this.#incoming, this.#leaving?.engine].flatMap((engine) => engine ?? []);
      const closing = Promise.all([...engines.map((engine) => engine.close()), this.#swapping]);
      const closed = await withTimeLimit(closing, this.#drainMs, this.#clock);
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

function lostBefore({ bundle }: EngineInfo, { code, message }: EngineIncident): GoshawkError {
  const name = `${bundle.name}@${bundle.version}`;
  return new GoshawkError('GOSHAWK_SWAP_LOST', { bundle: name, reason: `${code}: ${message}` });
}

function wrongState(state: string, action: string): GoshawkError {
  return new GoshawkError('GOSHAWK_INTERNAL', {
    reason: `a pipeline that is ${state} cannot be ${action}`,
  });
}
