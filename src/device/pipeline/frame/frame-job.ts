import type { Detections } from '../../../core/detections.ts';
import type { Frame, FrameEnvelope } from '../../../core/frame.ts';
import {
  encodingOf,
  isCompressed,
  type CompressedView,
  type ImageView,
} from '../../../core/image/image-view.ts';
import type { ImageSize } from '../../../core/image/image-header.ts';
import {
  letterboxFor,
  type Letterbox,
  type LetterboxAnchor,
  type LetterboxResize,
} from '../../../core/image/letterbox.ts';
import { freeMemory } from '../../../platform/free-memory.ts';
import type { InferenceInput } from '../../inference/engine.ts';
import { STAGES, type FrameResult, type Stage } from './frame-result.ts';
import { checkMove, isFinal, type FrameState } from './frame-state.ts';
import { movable } from './movable.ts';
import type { PreprocessMode } from './preprocess-mode.ts';

/** The size and layout to which images are brought for the network. */
export interface LetterboxTarget {
  readonly width: number;
  readonly height: number;
  readonly anchor: LetterboxAnchor;
  /** 0..255, the value of the border */
  readonly padValue: number;
  readonly resize: LetterboxResize;
}

const NO_DETECTIONS: Detections = {
  count: 0,
  boxes: new Float32Array(0),
  scores: new Float32Array(0),
  classes: new Uint16Array(0),
  tracks: new Uint32Array(0),
};

const STAGE_INDEX = Object.fromEntries(STAGES.map((stage, index) => [stage, index])) as Record<Stage, number>;

/**
 * One frame on its path: everything known about it, in the one object that is allocated for it. It becomes the
 * `FrameResult`.
 *
 * What it has of its image follows from its state: the received image until it is `ready`; then the letterboxed one, or
 * still the received one if the graph resizes; nothing while it is `inferring`. The received image outlives that, or
 * returns from the engine, only if a sink asked for pixels.
 */
export class FrameJob implements FrameResult {
  /** of its camera */
  readonly priority: number;
  readonly envelope: FrameEnvelope;
  letterbox: Letterbox;
  /** of the image as received */
  readonly encoding: string;
  readonly stageMs = new Float64Array(STAGES.length);
  bundleDigest: string;
  detections = NO_DETECTIONS;
  statistics: Float32Array | null = null;
  totalMs = 0;
  stampToNowMs = Number.NaN;
  /** monotonic milliseconds of the step that the frame entered last */
  since: number;
  #state: FrameState = 'waiting';
  #mode: PreprocessMode = 'sharp';
  #keepsPixels = false;
  #wantsDecoded = false;
  #wantsStatistics = false;
  #image: ImageView | CompressedView | null;
  /** layout of the raw image whose memory went to the engine */
  #moved: ImageView | null = null;
  /** in a pooled buffer */
  #letterboxed: Uint8Array<ArrayBuffer> | null = null;

  constructor(
    frame: Frame,
    size: ImageSize,
    target: LetterboxTarget,
    priority: number,
    bundleDigest: string,
  ) {
    this.priority = priority;
    this.envelope = frame.envelope;
    this.#image = frame.image;
    this.encoding = encodingOf(frame.image);
    this.letterbox = letterboxFor(size.width, size.height, target.width, target.height, target.anchor);
    this.bundleDigest = bundleDigest;
    this.since = frame.envelope.receivedAt;
  }

  get state(): FrameState {
    return this.#state;
  }

  /** True once it was published or dropped. */
  get isSettled(): boolean {
    return isFinal(this.#state);
  }

  get mode(): PreprocessMode {
    return this.#mode;
  }

  /** a sink asked for the pixels, or for the image, when the frame was taken from its gate */
  get keepsPixels(): boolean {
    return this.#keepsPixels;
  }

  /** a sink asked for pixels, those of a compressed image included */
  get wantsDecoded(): boolean {
    return this.#wantsDecoded;
  }

  /** the image for sinks that asked for it; `null` if none did */
  get keptImage(): ImageView | CompressedView | null {
    return this.#keepsPixels ? this.#image : null;
  }

  /** the image as received, while the frame still has it */
  get image(): ImageView | CompressedView | null {
    return this.#image;
  }

  /** the pixels for sinks that asked for them; `null` if none did, and for a compressed image */
  get rawPixels(): ImageView | null {
    const image = this.#image;
    return this.#keepsPixels && image !== null && !isCompressed(image) ? image : null;
  }

  /** It has a pooled buffer. */
  get hasLetterboxed(): boolean {
    return this.#letterboxed !== null;
  }

  get sourceWidth(): number {
    return this.letterbox.sourceWidth;
  }

  get sourceHeight(): number {
    return this.letterbox.sourceHeight;
  }

  /** @throws GoshawkError `GOSHAWK_INTERNAL` for a move that is not in `FRAME_MOVES` */
  moveTo(state: FrameState): void {
    this.#state = checkMove(this.#state, state);
  }

  /** Another model takes it, which may look at images of another size. @throws TypeError once it has left its gate */
  aimAt({ width, height, anchor }: LetterboxTarget, bundleDigest: string): void {
    if (this.#state !== 'waiting') throw new TypeError(`a frame that is ${this.#state} keeps its model`);
    this.letterbox = letterboxFor(this.sourceWidth, this.sourceHeight, width, height, anchor);
    this.bundleDigest = bundleDigest;
  }

  /**
   * It left its gate.
   * @param keepsPixels its image is kept
   * @param wantsDecoded a compressed one is decoded for sinks as well
   */
  prepare(
    mode: PreprocessMode,
    keepsPixels: boolean,
    wantsStatistics = false,
    wantsDecoded = keepsPixels,
  ): void {
    this.moveTo('preparing');
    this.#mode = mode;
    this.#keepsPixels = keepsPixels;
    this.#wantsStatistics = wantsStatistics;
    this.#wantsDecoded = wantsDecoded;
  }

  /** It may go to the engine. @param letterboxed `null` if the graph resizes */
  becomeReady(letterboxed: Uint8Array<ArrayBuffer> | null): void {
    this.moveTo('ready');
    this.#letterboxed = letterboxed;
    if (letterboxed !== null && !this.#keepsPixels) this.#freeImage();
  }

  /** The input for the engine. The memory moves with it. */
  enterEngine(): InferenceInput {
    this.moveTo('inferring');
    const letterboxed = this.takeLetterboxed();
    const wanted = { letterbox: this.letterbox, wantsStatistics: this.#wantsStatistics };
    if (letterboxed !== null) {
      const step = this.letterbox.inputWidth * 3;
      return { kind: 'letterboxed', pixels: letterboxed, encoding: 'rgb8', step, ...wanted };
    }
    const image = this.#image;
    if (image === null || isCompressed(image))
      throw new TypeError('a frame without pixels reached the engine');
    this.#moved = image;
    this.#image = null;
    const { encoding, step } = image;
    return { kind: 'raw', pixels: movable(image.data), encoding, step, ...wanted };
  }

  /** It has its detections. @param pixels the memory that the engine returned */
  becomeDetected(detections: Detections, pixels: Uint8Array, statistics: Float32Array | null = null): void {
    this.moveTo('detected');
    this.detections = detections;
    this.statistics = statistics;
    if (!this.#keepsPixels || this.#moved === null) return;
    const { width, height, encoding, step } = this.#moved;
    this.#image = { width, height, encoding, step, data: pixels };
  }

  /** Ends the frame. `takeLetterboxed` returns its pooled buffer. */
  drop(): void {
    const isUntouched = this.#state === 'waiting';
    this.moveTo('dropped');
    // Only the gate had the image; in other states sharp may still be reading it.
    if (isUntouched) this.#freeImage();
    this.#image = null;
  }

  /** The letterboxed image, whose buffer belongs to the caller from here on; `null` if there is none. */
  takeLetterboxed(): Uint8Array<ArrayBuffer> | null {
    const letterboxed = this.#letterboxed;
    this.#letterboxed = null;
    return letterboxed;
  }

  /** Ends a stage: adds the time since the previous step to it. */
  endStage(stage: Stage, nowMs: number): void {
    this.addTo(stage, nowMs - this.since);
    this.since = nowMs;
  }

  addTo(stage: Stage, milliseconds: number): void {
    const index = STAGE_INDEX[stage];
    this.stageMs[index] = (this.stageMs[index] ?? 0) + Math.max(0, milliseconds);
  }

  /** Milliseconds spent in a stage so far. */
  msIn(stage: Stage): number {
    return this.stageMs[STAGE_INDEX[stage]] ?? 0;
  }

  #freeImage(): void {
    if (this.#image !== null) freeMemory(this.#image.data);
    this.#image = null;
  }
}
