import type { ClipPrivacy } from '../../contract/clips.ts';
import { isCompressed } from '../../core/image/image-view.ts';
import { decodeToRgb } from '../imaging/decode-image.ts';
import { encodeViewJpeg } from '../imaging/encode-image.ts';
import { blurBoxes } from './hide-boxes.ts';
import type { KeptFrame } from './kept-frame.ts';

/** 1..100; of raw frames and of blurred ones */
const JPEG_QUALITY = 90;

export interface ClipImage {
  readonly format: 'jpeg' | 'png';
  readonly data: Uint8Array;
}

/**
 * The image of a frame as a clip has it: as it came if it was compressed and nothing is to be hidden. sharp works in
 * threads of its own.
 * @returns null if there is to be none
 * @throws sharp's error for an image that does not decode
 */
export async function clipImage(frame: KeptFrame, privacy: ClipPrivacy): Promise<ClipImage | null> {
  const { image, detections } = frame;
  if (privacy === 'no-pixels' || image === null) return null;
  if (privacy === 'blur') {
    const rgb = await decodeToRgb(image);
    return { format: 'jpeg', data: await blurBoxes(rgb, detections, JPEG_QUALITY) };
  }
  if (isCompressed(image)) return { format: image.format, data: image.data };
  return { format: 'jpeg', data: await encodeViewJpeg(image, JPEG_QUALITY) };
}
