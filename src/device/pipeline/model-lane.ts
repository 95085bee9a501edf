import { isCompressed } from '../../core/image/image-view.ts';
import { Tracker } from '../../core/tracking/tracker.ts';
import { SharpLetterboxer } from '../imaging/sharp-letterbox.ts';
import type { CameraIntake } from './camera-intake.ts';
import type { FrameJob } from './frame/frame-job.ts';
import type { PreprocessMode } from './frame/preprocess-mode.ts';
import { PreprocessChoice, type PreprocessPreference } from './preprocess-choice.ts';
import type { BatchPeer } from './scheduling/batcher.ts';
import { ReorderQueue } from './scheduling/reorder-queue.ts';
import type { ShareHolder } from './scheduling/stride-scheduler.ts';
import { TrackClock } from './track-clock.ts';

export interface ModelLaneOptions {
  readonly preprocess: PreprocessPreference;
  readonly reorderWindow: () => number;
  readonly isTracking: boolean;
}

/**
 * How one model looks at one camera: its preprocessor, its share of the engine, the order of its results, its tracks.
 */
export class ModelLane implements BatchPeer, ShareHolder {
  readonly camera: CameraIntake;
  readonly letterboxer = new SharpLetterboxer();
  readonly order: ReorderQueue;
  readonly tracker: Tracker | null;
  readonly #trackClock = new TrackClock();
  readonly #preprocess: PreprocessPreference;
  choice: PreprocessChoice;
  /** stride scheduling: the lane with the smallest pass goes next */
  pass = 0;
  /** the one frame that is being preprocessed or waits for the engine */
  ahead: FrameJob | null = null;

  constructor(camera: CameraIntake, { preprocess, reorderWindow, isTracking }: ModelLaneOptions) {
    this.camera = camera;
    this.order = new ReorderQueue(reorderWindow);
    this.#preprocess = preprocess;
    this.choice = new PreprocessChoice(preprocess, false);
    this.tracker = isTracking ? new Tracker() : null;
  }

  get priority(): number {
    return this.camera.priority;
  }

  get lastReceivedAt(): number {
    return this.camera.lastReceivedAt;
  }

  /** The engine is loaded: starts the choice of a preprocessor. */
  meetEngine(acceptsRaw: boolean): void {
    this.choice = new PreprocessChoice(this.#preprocess, acceptsRaw);
  }

  /** How the next frame is brought to the network's size. */
  modeFor({ image }: FrameJob): PreprocessMode {
    const { width, height, encoding } = this.camera;
    const isRaw = image !== null && !isCompressed(image);
    const isPacked = isRaw && (image.encoding === 'rgb8' || image.encoding === 'bgr8');
    return this.choice.modeFor(width, height, encoding, isPacked);
  }

  /** Tracks the objects of a frame, which get their ids. False if this model does not track. */
  track(job: FrameJob): boolean {
    if (this.tracker === null) return false;
    this.tracker.update(job.detections, this.#trackClock.next(job.envelope));
    return true;
  }
}
