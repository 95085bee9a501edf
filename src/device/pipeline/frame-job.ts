import type { Detections } from '../../core/detections.ts';
import type { CompressedView, Frame, FrameEnvelope, ImageView } from '../../core/frame.ts';
import type { ImageSize } from '../../core/image/image-header.ts';
import {
  letterboxFor,
  type Letterbox,
  type LetterboxAnchor,
  type LetterboxResize,
} from '../../core/image/letterbox.ts';
import { STAGES, type FrameResult, type FrameStatistics, type Stage } from './frame-result.ts';

/** How an image gets to the size of the network: by sharp on this side, or by the graph. */
export type PreprocessMode = 'sharp' | 'graph';

/** What the network takes. */
export interface NetworkInput {
  readonly width: number;
  readonly height: number;
  readonly anchor: LetterboxAnchor;
  /** 0..255, the value of the border */
  readonly padValue: number;
  readonly resize: LetterboxResize;
}

const NOT_MEASURED: FrameStatistics = { brightness: Number.NaN, sharpness: Number.NaN };
const NO_DETECTIONS: Detections = {
  count: 0,
  boxes: new Float32Array(0),
  scores: new Float32Array(0),
  classes: new Uint16Array(0),
  tracks: new Uint32Array(0),
};

const STAGE_INDEX = Object.fromEntries(STAGES.map((stage, index) => [stage, index])) as Record<Stage, number>;

/**
 * One frame on its way: everything known about it, in the one object that is made for it. It becomes the
 * `FrameResult`.
 */
export class FrameJob implements FrameResult {
  /** of its camera */
  readonly priority: number;
  readonly envelope: FrameEnvelope;
  readonly letterbox: Letterbox;
  readonly stageMs = new Float64Array(STAGES.length);
  readonly bundleDigest: string;
  detections = NO_DETECTIONS;
  statistics = NOT_MEASURED;
  totalMs = 0;
  stampToNowMs = Number.NaN;

  /** the image as it came; `null` once its memory was moved to the engine, or when no one needs it any more */
  image: ImageView | CompressedView | null;
  /** layout of the raw image that was moved to the engine */
  moved: ImageView | null = null;
  mode: PreprocessMode = 'sharp';
  /** a sink asked for the pixels when the frame was taken in hand */
  keepsPixels = false;
  /** a letterboxed image in a pooled buffer */
  buffer: Uint8Array<ArrayBuffer> | null = null;
  /** monotonic milliseconds of the step that the frame entered last */
  since: number;
  isInEngine = false;
  /** left the ledger, by `publish` or `drop`; nothing may count it again */
  isSettled = false;
  /** has detections and waits for its turn */
  isDone = false;

  constructor(frame: Frame, size: ImageSize, input: NetworkInput, priority: number, bundleDigest: string) {
    this.priority = priority;
    this.envelope = frame.envelope;
    this.image = frame.image;
    this.letterbox = letterboxFor(size.width, size.height, input.width, input.height, input.anchor);
    this.bundleDigest = bundleDigest;
    this.since = frame.envelope.receivedAt;
  }

  get sourceWidth(): number {
    return this.letterbox.sourceWidth;
  }

  get sourceHeight(): number {
    return this.letterbox.sourceHeight;
  }

  /** Ends a stage: what passed since the step before is added to it. */
  endStage(stage: Stage, nowMs: number): void {
    this.addTo(stage, nowMs - this.since);
    this.since = nowMs;
  }

  addTo(stage: Stage, milliseconds: number): void {
    const index = STAGE_INDEX[stage];
    this.stageMs[index] = (this.stageMs[index] ?? 0) + Math.max(0, milliseconds);
  }
}
