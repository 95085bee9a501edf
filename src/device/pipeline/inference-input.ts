import { isCompressed, type ImageView } from '../../core/frame.ts';
import type { InferenceInput } from '../inference/engine.ts';
import type { FrameJob } from './frame-job.ts';

/**
 * The bytes in memory that can be moved to another thread whole. A view of the best part of its buffer (a
 * message around its pixels) moves as it is; a small slice of a shared pool, or of shared memory, is copied
 * first.
 */
function movable(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = data;
  const isOwner = buffer instanceof ArrayBuffer && data.byteLength * 2 >= buffer.byteLength;
  return isOwner ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data);
}

/** What the engine gets for a frame. The memory leaves with it: the job lets go of its buffer or image. */
export function toInferenceInput(job: FrameJob, inputWidth: number): InferenceInput {
  const { letterbox, buffer, image } = job;
  if (buffer !== null) {
    job.buffer = null;
    return { kind: 'letterboxed', pixels: buffer, letterbox, encoding: 'rgb8', step: inputWidth * 3 };
  }
  if (image === null || isCompressed(image)) throw new TypeError('a frame without pixels reached the engine');
  job.moved = image;
  job.image = null;
  return {
    kind: 'raw',
    pixels: movable(image.data),
    letterbox,
    encoding: image.encoding,
    step: image.step,
  };
}

/** The raw image again, around the memory that came back from the engine. */
export function restoreImage(moved: ImageView, pixels: Uint8Array): ImageView {
  const { width, height, encoding, step } = moved;
  return { width, height, encoding, step, data: pixels };
}
