import { admitBytes, type AdmittedCompressed } from '../admission/compressed.ts';
import type { Stamp } from '../frame.ts';
import { sniffFormat } from '../image/read-header.ts';
import { refuse, type Refusal } from '../refusal.ts';
import { CdrCursor } from './cursor.ts';
import { readHeader } from './header.ts';

/** `sensor_msgs/msg/CompressedImage` as it was sent. `data` is a view of the message. */
export interface CdrCompressedImage {
  readonly ok: true;
  readonly stamp: Stamp;
  readonly frameId: string;
  /** as it was sent, e.g. `jpeg` or `rgb8; jpeg compressed bgr8` */
  readonly format: string;
  readonly data: Uint8Array;
}

const cursor = new CdrCursor();

/**
 * Reads a serialized `sensor_msgs/msg/CompressedImage` of either byte order without copying; never throws.
 */
export function parseCompressedImage(bytes: Uint8Array): CdrCompressedImage | Refusal {
  cursor.open(bytes);
  const { stamp, frameId } = readHeader(cursor);
  const format = cursor.string('format');
  const data = cursor.byteSequence('data');
  cursor.close();
  return cursor.refusal() ?? { ok: true, stamp, frameId, format, data };
}

/**
 * Determines what a compressed image is. The first bytes decide, not the `format` text, which publishers fill in many
 * ways; but data that is neither JPEG nor PNG is never passed on, so that no sender can choose a decoder (SVG, TIFF,
 * ...) by claiming `jpeg`. `compressedDepth` is refused: its data has its own header and contains no color image.
 */
export function toCompressedView(message: Omit<CdrCompressedImage, 'ok'>): AdmittedCompressed | Refusal {
  const shown = JSON.stringify(message.format.slice(0, 64));
  if (/compressedDepth/i.test(message.format)) {
    return refuse('unsupported_encoding', `format ${shown} is a depth image; supported: jpeg, png`);
  }
  const admitted = admitBytes(message.data, /^\s*mono16\b/i.test(message.format));
  if (admitted.ok || admitted.reason !== 'corrupt_image') return admitted;
  if (!/\b(jpe?g|png)\b/i.test(message.format) && sniffFormat(message.data) === undefined) {
    return refuse('unsupported_encoding', `format ${shown} is not supported; supported: jpeg, png`);
  }
  return refuse('corrupt_image', `format is ${shown}, but ${admitted.detail}`);
}
