import { Tracker } from '../../core/tracking/tracker.ts';
import type { FrameJob } from './frame-job.ts';
import { Gate } from './scheduling/gate.ts';
import { CameraLedger } from './statistics/ledger.ts';
import { PreprocessChoice, type PreprocessPreference } from './preprocess-choice.ts';
import { RateWindow } from './statistics/rate-window.ts';
import { ReorderQueue } from './scheduling/reorder-queue.ts';
import { SharpLetterboxer } from '../imaging/sharp-letterbox.ts';
import { LatencyRecorder } from './statistics/stage-latencies.ts';
import type { CameraSnapshot } from './statistics/snapshot.ts';
import { StampGuard, type StampLimits } from './stamp-guard.ts';
import { TrackClock } from './track-clock.ts';

/** A camera as the operator names it. */
export interface CameraOptions {
  readonly name: string;
  /** 1..100: its share of the engine when there are more frames than the engine can take; default 1 */
  readonly priority?: number;
}

/** seconds over which frames a second are counted */
const RATE_WINDOW_SECONDS = 5;

/** Everything the pipeline keeps for one camera. */
export class CameraLane {
  readonly name: string;
  readonly priority: number;
  readonly gate = new Gate();
  readonly ledger = new CameraLedger();
  readonly stamps: StampGuard;
  readonly letterboxer = new SharpLetterboxer();
  readonly fpsIn = new RateWindow(RATE_WINDOW_SECONDS);
  readonly fpsOut = new RateWindow(RATE_WINDOW_SECONDS);
  readonly totals = new LatencyRecorder();
  readonly tracker: Tracker | null;
  readonly trackClock = new TrackClock();
  readonly order: ReorderQueue;
  choice: PreprocessChoice;
  /** stride scheduling: the lane with the smallest pass is served next */
  pass = 0;
  /** the one frame that is being preprocessed or waits for the engine */
  ahead: FrameJob | null = null;
  lastReceivedAt = Number.NaN;
  /** milliseconds from the last frame's stamp to its receipt; `NaN` before the first and where the driver sets none */
  stampAgeMs = Number.NaN;
  width = 0;
  height = 0;
  encoding = '';
  /** frames looked at by the rule that measures each n-th */
  measured = 0;
  /** a compressed image is being decoded whole for a sink */
  isDecoding = false;

  constructor(
    options: CameraOptions,
    settings: {
      readonly stamps: StampLimits;
      readonly preprocess: PreprocessPreference;
      readonly reorderWindow: () => number;
      readonly isTracking: boolean;
    },
  ) {
    this.name = options.name;
    this.priority = options.priority ?? 1;
    this.stamps = new StampGuard(settings.stamps);
    this.order = new ReorderQueue(settings.reorderWindow);
    this.choice = new PreprocessChoice(settings.preprocess, false);
    this.tracker = settings.isTracking ? new Tracker() : null;
  }

  snapshot(nowMs: number): CameraSnapshot {
    return {
      priority: this.priority,
      frames: this.ledger.read(),
      fps: { in: this.fpsIn.rate(nowMs), out: this.fpsOut.rate(nowMs) },
      latencyMs: this.totals.summary(),
      lastFrameAgeMs: Number.isNaN(this.lastReceivedAt) ? null : nowMs - this.lastReceivedAt,
      stampAgeMs: Number.isNaN(this.stampAgeMs) ? null : this.stampAgeMs,
      clockResets: this.stamps.clockResets,
      lastDrop: this.ledger.lastDrop,
      width: this.width,
      height: this.height,
      encoding: this.encoding,
      preprocess: this.choice.decision,
    };
  }
}
