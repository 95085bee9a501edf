import type { DropReason } from '../../contract/drops.ts';
import { PROVIDER_TABLE } from '../../contract/providers.ts';
import type { Frame } from '../../core/frame.ts';
import type { ImageSize } from '../../core/image/image-header.ts';
import type { Clock } from '../../platform/clock.ts';
import { withTimeLimit } from '../../platform/time-limit.ts';
import type { EngineInfo, InferenceEngine } from '../inference/engine.ts';
import type { CameraIntake } from './camera-intake.ts';
import type { LimitsInForce } from './decode-limits.ts';
import type { Delivery } from './delivery.ts';
import { FrameOutlet } from './frame-outlet.ts';
import { FramePath } from './frame-path.ts';
import { FrameJob, type LetterboxTarget } from './frame/frame-job.ts';
import { FramesInFlight } from './frames-in-flight.ts';
import { ModelLane } from './model-lane.ts';
import type { PipelineNotices } from './pipeline-notices.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import type { PipelineStats } from './statistics/pipeline-stats.ts';

const DEFAULTS = { maxWaitMs: 3, engineTimeoutMs: 10_000 } as const;

/** frames of a camera that may wait for those of the model before: each may hold an image */
const MAX_WAITING = 32;

type Settings = Pick<
  PipelineOptions,
  'preprocess' | 'tracking' | 'maxBatch' | 'maxWaitMs' | 'engineTimeoutMs'
>;

/** Cameras whose images the graph was found unable to resize, and why. */
export type GraphFailures = ReadonlyMap<string, string>;

export interface PipelineModelOptions extends Settings {
  readonly engine: InferenceEngine;
  /** what the engine turned out to be once it was loaded */
  readonly info: EngineInfo;
  readonly graphFailures: GraphFailures;
  readonly target: LetterboxTarget;
  readonly limits: LimitsInForce;
  readonly delivery: Delivery;
  readonly stats: PipelineStats;
  readonly notices: PipelineNotices;
  readonly clock: Clock;
}

/**
 * A loaded model and how it looks at the cameras: a lane per camera, and the path of their frames from the gates to the
 * sinks. Models share nothing but the intakes, so the frames in flight of one take no room from another.
 */
export class PipelineModel {
  readonly #options: PipelineModelOptions;
  /** by camera */
  readonly lanes: ReadonlyMap<string, ModelLane>;
  readonly #frames = new FramesInFlight();
  readonly #path: FramePath;
  /** the model whose place this one took, until its last frame has left */
  #before: PipelineModel | null = null;

  /**
   * Gets frames of the cameras from here on: the first model of a camera gets all of them, others only while they have
   * room.
   * @param replaced the first model, whose place this one takes; its frames in flight are still its own
   */
  constructor(
    options: PipelineModelOptions,
    cameras: Iterable<CameraIntake>,
    replaced: PipelineModel | null = null,
  ) {
    this.#options = options;
    const { engine, info, maxBatch, maxWaitMs, engineTimeoutMs } = options;
    this.lanes = new Map(Array.from(cameras, (camera) => [camera.name, this.#makeLane(camera, replaced)]));
    const isGpu = PROVIDER_TABLE[info.provider].device === 'gpu';
    const usualBatch = isGpu ? Math.max(1, this.lanes.size) : 1;
    this.#path = new FramePath({
      engine,
      lanes: this.lanes,
      target: options.target,
      batch: {
        maxBatch: Math.max(1, Math.min(maxBatch ?? usualBatch, info.maxBatch)),
        maxWaitMs: maxWaitMs ?? DEFAULTS.maxWaitMs,
      },
      engineTimeoutMs: engineTimeoutMs ?? DEFAULTS.engineTimeoutMs,
      clock: options.clock,
      limits: options.limits,
      delivery: options.delivery,
      notices: options.notices,
      frames: this.#frames,
      outlet: new FrameOutlet({ ...options, frames: this.#frames }),
    });
  }

  /** frames that are neither published nor dropped yet */
  get framesInFlight(): number {
    return this.#frames.size;
  }

  /**
   * Goes on where another model stops: frames that wait at its gates are inferred here, at once. Its frames beyond the
   * gates finish meanwhile. Results wait for those, so that they leave in the order of the camera's frames, and a
   * tracker sees one frame after the other.
   * @param maxMs after which the frames of the other one are given up; also given up if too many wait for them
   */
  async follow(other: PipelineModel, maxMs: number): Promise<void> {
    this.#before = other;
    for (const [name, lane] of this.lanes) this.#inherit(lane, other, name);
    this.#path.pump();
    await other.drain('engine_lost', maxMs);
    this.#before = null;
    other.stop();
  }

  #inherit(lane: ModelLane, other: PipelineModel, camera: string): void {
    const before = other.lanes.get(camera);
    if (before === undefined) return;
    before.onEmptied = () => this.#path.flush(lane);
    const waiting = before.gate.take();
    if (waiting === null) return;
    const { target, info } = this.#options;
    waiting.aimAt(target, info.bundle.digest);
    this.#frames.enter(other.#frames.handOver(waiting));
    lane.gate.put(waiting);
  }

  /** The engine has room for more. */
  pump(): void {
    this.#path.pump();
  }

  /** Drops the frames that wait at the gates. */
  dropWaiting(reason: DropReason): void {
    for (const lane of this.lanes.values()) {
      const waiting = lane.gate.take();
      if (waiting !== null) this.#frames.drop(lane.ledger, waiting, reason);
    }
  }

  /** Waits for the frames in flight, then gives up on the rest: `engine_lost` in the engine, `reason` elsewhere. */
  async drain(reason: DropReason, maxMs: number): Promise<void> {
    if (this.#frames.size > 0) await withTimeLimit(this.#frames.whenEmptied(), maxMs, this.#options.clock);
    this.#giveUp(reason);
  }

  #giveUp(reason: DropReason): void {
    for (const { gate } of this.lanes.values()) gate.take();
    for (const job of this.#frames.list())
      this.#path.giveUp(job, job.state === 'inferring' ? 'engine_lost' : reason);
  }

  stop(): void {
    this.#path.stop();
  }

  #makeLane(camera: CameraIntake, replaced: PipelineModel | null): ModelLane {
    const { engine, info, graphFailures, notices, preprocess = 'auto', tracking = false } = this.#options;
    const graphFailure = graphFailures.get(camera.name) ?? null;
    if (graphFailure !== null)
      notices.fromPath('PREPROCESS_CHOSEN', `${camera.name}: sharp (${graphFailure})`, {
        camera: camera.name,
      });
    return new ModelLane(camera, {
      preprocess,
      graphFailure,
      acceptsRaw: info.acceptsRaw,
      reorderWindow: () => Math.max(2, engine.reorderWindow ?? engine.parallel),
      isTracking: tracking,
      replaced: replaced?.lanes.get(camera.name) ?? null,
      isAlike: replaced !== null && this.#takesSameImages(replaced),
      onFrame: (lane, frame, size) => this.#take(lane, frame, size),
    });
  }

  #takesSameImages(other: PipelineModel): boolean {
    const { target, info } = other.#options;
    const { target: own, info: ownInfo } = this.#options;
    return (
      own.width === target.width && own.height === target.height && ownInfo.acceptsRaw === info.acceptsRaw
    );
  }

  #take(lane: ModelLane, frame: Frame, size: ImageSize): void {
    const { target, info } = this.#options;
    const job = new FrameJob(frame, size, target, lane.priority, info.bundle.digest);
    this.#frames.enter(job);
    if (this.#before !== null && this.#frames.size > MAX_WAITING * this.lanes.size)
      this.#before.#giveUp('engine_lost');
    const superseded = lane.gate.put(job);
    if (superseded !== null) this.#frames.drop(lane.ledger, superseded, 'superseded');
    this.#path.pump();
  }
}
