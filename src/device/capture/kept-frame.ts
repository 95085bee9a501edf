import type { Detections } from '../../core/detections.ts';
import { BLOCK } from '../../core/drift/frame-block.ts';
import type { FrameEnvelope } from '../../core/frame.ts';
import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import { freeMemory } from '../../platform/free-memory.ts';
import type { FrameResult } from '../pipeline/frame/frame-result.ts';

/**
 * A frame that outlives its delivery: the image as it was received, without a copy, and what was found in it. Ring and
 * clips hold it; whoever lets go of it last frees its memory at once.
 */
export class KeptFrame {
  readonly envelope: FrameEnvelope;
  /** null where clips have no images */
  readonly image: ImageView | CompressedView | null;
  readonly detections: Detections;
  /** values of image and suppression (`core/drift/frame-block.ts`); null if it was not measured */
  readonly statistics: Float32Array | null;
  /** pixels of the upright image, in which the boxes are */
  readonly width: number;
  readonly height: number;
  /** milliseconds from receipt to the result */
  readonly totalMs: number;
  readonly bundleDigest: string;
  /** of memory */
  readonly bytes: number;
  #holders = 1;

  constructor(result: FrameResult, image: ImageView | CompressedView | null) {
    this.envelope = result.envelope;
    this.image = image;
    this.detections = copyOf(result.detections);
    this.statistics = result.statistics?.slice(0, BLOCK.patches) ?? null;
    this.bytes = image?.data.buffer.byteLength ?? bytesOf(this.detections, this.statistics);
    this.width = result.sourceWidth;
    this.height = result.sourceHeight;
    this.totalMs = result.totalMs;
    this.bundleDigest = result.bundleDigest;
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  letGo(): void {
    this.#holders -= 1;
    if (this.#holders === 0 && this.image !== null) freeMemory(this.image.data);
  }
}

function copyOf({ count, boxes, scores, classes, tracks }: Detections): Detections {
  return {
    count,
    boxes: boxes.slice(0, count * 4),
    scores: scores.slice(0, count),
    classes: classes.slice(0, count),
    tracks: tracks.slice(0, count),
  };
}

function bytesOf({ boxes, scores, classes, tracks }: Detections, statistics: Float32Array | null): number {
  return [boxes, scores, classes, tracks, statistics].reduce((sum, it) => sum + (it?.byteLength ?? 0), 0);
}
