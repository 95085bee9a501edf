import type { Frame } from '../../core/frame.ts';
import type { ImageSize } from '../../core/image/image-header.ts';
import { Tracker } from '../../core/tracking/tracker.ts';
import { SharpLetterboxer } from '../imaging/sharp-letterbox.ts';
import type { CameraIntake, FrameTaker } from './camera-intake.ts';
import type { FrameJob } from './frame/frame-job.ts';
import type { PreprocessMode } from './frame/preprocess-mode.ts';
import { PreprocessChoice, type PreprocessPreference } from './preprocess-choice.ts';
import type { BatchPeer } from './scheduling/batcher.ts';
import { Gate } from './scheduling/gate.ts';
import { ReorderQueue } from './scheduling/reorder-queue.ts';
import type { ShareHolder } from './scheduling/stride-scheduler.ts';
import type { CameraLedger } from './statistics/ledger.ts';
import { TrackClock } from './track-clock.ts';

export interface ModelLaneOptions {
  readonly preprocess: PreprocessPreference;
  /** the engine takes images of the camera's own size */
  readonly acceptsRaw: boolean;
  /** why the graph cannot resize images like those that the camera sends now; null if nothing is known against it */
  readonly graphFailure: string | null;
  readonly reorderWindow: () => number;
  readonly isTracking: boolean;
  /** the lane of the same camera whose place it takes; null for a model next to others */
  readonly replaced: ModelLane | null;
  /** that lane's model takes the same images, so what was found out about preprocessing goes on */
  readonly isAlike: boolean;
  /** The camera passes a frame to this lane. */
  readonly onFrame: (lane: ModelLane, frame: Frame, size: ImageSize) => void;
}

/**
 * How one model looks at one camera: the frame that waits for it, its preprocessor, its share of the engine, the order
 * of its results, its tracks.
 */
export class ModelLane implements BatchPeer, ShareHolder, FrameTaker {
  readonly camera: CameraIntake;
  readonly gate = new Gate();
  readonly ledger: CameraLedger;
  readonly letterboxer = new SharpLetterboxer();
  readonly order: ReorderQueue;
  readonly choice: PreprocessChoice;
  readonly #tracker: Tracker | null;
  readonly #trackClock: TrackClock;
  readonly #onFrame: ModelLaneOptions['onFrame'];
  /** stride scheduling: the lane with the smallest pass goes next */
  pass = 0;
  /** the one frame that is being preprocessed or waits for the engine */
  ahead: FrameJob | null = null;
  /** Called when the last of its results has left. */
  onEmptied: (() => void) | null = null;

  constructor(camera: CameraIntake, options: ModelLaneOptions) {
    this.camera = camera;
    const { replaced } = options;
    this.order = new ReorderQueue(options.reorderWindow, replaced?.order);
    this.choice = choiceFor(camera, options);
    // the same objects go on: their tracks keep their ids
    const tracker = replaced === null ? null : replaced.#tracker;
    this.#tracker = options.isTracking ? (tracker ?? new Tracker()) : null;
    this.#trackClock = replaced === null ? new TrackClock() : replaced.#trackClock;
    this.#onFrame = options.onFrame;
    this.ledger = replaced === null ? camera.join(this) : camera.replaceFirst(this);
  }

  get priority(): number {
    return this.camera.priority;
  }

  get lastReceivedAt(): number {
    return this.camera.lastReceivedAt;
  }

  get hasRoom(): boolean {
    return this.gate.waiting === null;
  }

  take(frame: Frame, size: ImageSize): void {
    this.#onFrame(this, frame, size);
  }

  resetClock(): void {
    this.#tracker?.reset();
  }

  /** One of its frames was published. The camera's rates and latencies are those of its first model. */
  notePublished(totalMs: number, now: number): void {
    if (this.ledger === this.camera.ledger) this.camera.notePublished(totalMs, now);
  }

  /** How the next frame is brought to the network's size. */
  modeFor({ sourceWidth, sourceHeight, encoding }: FrameJob): PreprocessMode {
    return this.choice.modeFor(sourceWidth, sourceHeight, encoding);
  }

  /** Tracks the objects of a frame, which get their ids. False if this model does not track. */
  track(job: FrameJob): boolean {
    if (this.#tracker === null) return false;
    this.#tracker.update(job.detections, this.#trackClock.next(job.envelope));
    return true;
  }
}

function choiceFor(
  { shape }: CameraIntake,
  { replaced, preprocess, acceptsRaw, graphFailure, isAlike }: ModelLaneOptions,
): PreprocessChoice {
  const isKnown = replaced !== null && isAlike && graphFailure === null && !replaced.choice.hasGivenUpGraph;
  if (isKnown) return replaced.choice;
  const choice = new PreprocessChoice(preprocess, acceptsRaw);
  if (graphFailure === null) return choice;
  choice.modeFor(shape.width, shape.height, shape.encoding);
  choice.giveUpGraph(graphFailure);
  return choice;
}
