import type { CompressedView, Stamp } from '../frame.ts';
import { refuse, type Refusal } from '../refusal.ts';
import { readImageHeader, uprightSize } from '../image/compressed-size.ts';
import { DEFAULT_IMAGE_LIMITS, findSizeProblem, type ImageLimits } from '../image/limits.ts';
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

/** Reads a serialized `sensor_msgs/msg/CompressedImage` of either byte order without copying; never throws. */
export function parseCompressedImage(bytes: Uint8Array): CdrCompressedImage | Refusal {
  cursor.open(bytes);
  const { stamp, frameId } = readHeader(cursor);
  const format = cursor.string('format');
  const data = cursor.byteSequence('data');
  cursor.close();
  return cursor.refusal() ?? { ok: true, stamp, frameId, format, data };
}

/** A compressed image whose first bytes are those of a JPEG or PNG file. */
export interface CheckedCompressedImage {
  readonly ok: true;
  readonly view: CompressedView;
}

/**
 * Finds out what a compressed image is. The first bytes decide, not the `format` text, which publishers fill
 * in many ways; but data that is neither JPEG nor PNG is never handed on, so that no sender can choose a
 * decoder (SVG, TIFF, ...) behind the word `jpeg`. `compressedDepth` is refused: its data has a header of its
 * own and holds no color image. A size that the header of the image tells is held against the limits; a
 * header that tells none is left to the decoder.
 */
export function toCompressedView(
  message: Omit<CdrCompressedImage, 'ok'>,
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): CheckedCompressedImage | Refusal {
  const shown = JSON.stringify(message.format.slice(0, 64));
  if (/compressedDepth/i.test(message.format)) {
    return refuse('unsupported_encoding', `format ${shown} is a depth image; supported: jpeg, png`);
  }
  const checked = checkImage(message.data, /^\s*mono16\b/i.test(message.format), limits);
  if (checked.ok || checked.reason !== 'corrupt_image') return checked;
  if (!/\b(jpe?g|png)\b/i.test(message.format)) {
    return refuse('unsupported_encoding', `format ${shown} is not read; supported: jpeg, png`);
  }
  return refuse('corrupt_image', `format is ${shown}, but ${checked.detail}`);
}

/**
 * The image that some bytes are, by their start and header. A PNG of 16-bit gray is refused: it holds
 * distances, not light (in ROS `16UC1; png`), and scaled to 8 bits it would be an image that no detector was
 * trained on.
 * @param isLight true where somebody says that 16-bit gray is light (`mono16`); then it is scaled to 8 bits
 */
export function checkImage(
  data: Uint8Array,
  isLight = false,
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): CheckedCompressedImage | Refusal {
  const isJpeg = startsWith(data, JPEG_START);
  if (!isJpeg && !startsWith(data, PNG_START)) {
    return refuse('corrupt_image', `the ${data.length} bytes do not start like a JPEG or PNG`);
  }
  const format = isJpeg ? 'jpeg' : 'png';
  const header = readImageHeader({ format, data });
  // the decoder finds the words for what is damaged
  if (header === undefined) return { ok: true, view: { format, data } };
  if (!isJpeg && header.bitDepth === 16 && header.channels === 1 && !isLight) {
    const detail =
      'a PNG of 16-bit gray is taken for a depth image; supported: PNG in color, of 8-bit ' +
      'gray, and of format "mono16; png"';
    return refuse('unsupported_encoding', detail);
  }
  const { width, height } = uprightSize(header);
  const problem = findSizeProblem(width, height, limits);
  return problem === undefined ? { ok: true, view: { format, data, header } } : refuse('bad_size', problem);
}

/** Start-of-image marker and the first byte of the next marker (ITU T.81). */
const JPEG_START = [0xff, 0xd8, 0xff];
/** PNG signature (ISO 15948, 5.2). */
const PNG_START = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function startsWith(data: Uint8Array, start: readonly number[]): boolean {
  for (let i = 0; i < start.length; i++) if (data[i] !== start[i]) return false;
  return true;
}
