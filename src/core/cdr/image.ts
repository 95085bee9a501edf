import type { ImageView, Stamp } from '../frame.ts';
import { canonicalEncoding, describeUnsupportedEncoding } from '../image/encodings.ts';
import { DEFAULT_IMAGE_LIMITS, findSizeProblem, type ImageLimits } from '../image/limits.ts';
import { minSide, needsEvenHeight, needsEvenWidth, planeRows, rowBytes } from '../image/layout.ts';
import { refuse, type Refusal } from '../refusal.ts';
import { CdrCursor } from './cursor.ts';
import { readHeader } from './header.ts';

/**
 * `sensor_msgs/msg/Image` as it was sent. `data` is a view of the message: it lives as long as the message's
 * buffer.
 */
export interface CdrImage {
  readonly ok: true;
  readonly stamp: Stamp;
  readonly frameId: string;
  /** pixels, >= 1 */
  readonly height: number;
  /** pixels, >= 1 */
  readonly width: number;
  /** the name as it was sent, aliases included */
  readonly encoding: string;
  /** byte order of channels wider than one byte, of which Goshawk reads those of mono16 and mosaics */
  readonly isBigEndian: boolean;
  /** bytes from one row to the next, as the message claims */
  readonly step: number;
  readonly data: Uint8Array;
}

const cursor = new CdrCursor();

/**
 * Reads a serialized `sensor_msgs/msg/Image` of either byte order without copying pixels. Never throws:
 * whatever the bytes are, the answer is an image or a refusal. `malformed`: cut short, lying lengths, text
 * that is no text; `bad_size`: a side of zero or too many pixels; `unsupported_encoding`: a CDR
 * representation other than plain CDR. Whether encoding, step and data fit together is `toImageView`'s
 * question. Bytes after the last field are ignored, as ROS' own readers do (some middlewares pad).
 */
export function parseImage(
  bytes: Uint8Array,
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): CdrImage | Refusal {
  cursor.open(bytes);
  const { stamp, frameId } = readHeader(cursor);
  const height = cursor.uint32('height');
  const width = cursor.uint32('width');
  // Before the data is looked at: a size that is refused is the more useful word about an image that is also cut short.
  const sizeProblem = findSizeProblem(width, height, limits);
  if (sizeProblem !== undefined) cursor.fail('bad_size', sizeProblem);
  const encoding = cursor.string('encoding');
  const isBigEndian = cursor.uint8('is_bigendian') !== 0;
  const step = cursor.uint32('step');
  const data = cursor.byteSequence('data');
  cursor.close();
  return cursor.refusal() ?? { ok: true, stamp, frameId, height, width, encoding, isBigEndian, step, data };
}

/** An image with its layout checked: every pixel that width, height and encoding promise lies inside `view.data`. */
export interface CheckedImage {
  readonly ok: true;
  readonly view: ImageView;
}

/**
 * Checks that encoding, size, step and data of a message agree, and gives the image under its canonical
 * encoding. The data must be exactly step * rows bytes (for `nv12`, `nv21` and `i420` one and a half times
 * the height). Subsampled layouts need even sides.
 */
export function toImageView(message: Omit<CdrImage, 'ok'>): CheckedImage | Refusal {
  const { width, height, step, data } = message;
  const encoding = canonicalEncoding(message.encoding, message.isBigEndian);
  if (encoding === undefined)
    return refuse('unsupported_encoding', describeUnsupportedEncoding(message.encoding));
  if ((needsEvenWidth(encoding) && width % 2 !== 0) || (needsEvenHeight(encoding) && height % 2 !== 0)) {
    return refuse('bad_size', `${encoding} shares color between neighbors and cannot be ${width}x${height}`);
  }
  const least = minSide(encoding);
  if (width < least || height < least) {
    return refuse('bad_size', `${encoding} of ${width}x${height} has no neighbors to take colors from`);
  }
  const needed = rowBytes(encoding, width);
  if (step < needed) {
    return refuse(
      'malformed',
      `step is ${step}, a row of ${width} pixels in ${encoding} takes ${needed} bytes`,
    );
  }
  if (encoding === 'i420' && step % 2 !== 0) {
    return refuse('malformed', `step is ${step}, its half, the chroma step of i420, is not whole`);
  }
  const size = step * planeRows(encoding, height);
  if (data.length !== size) {
    return refuse(
      'malformed',
      `data has ${data.length} bytes, ${width}x${height} ${encoding} of step ${step} has ${size}`,
    );
  }
  return { ok: true, view: { width, height, encoding, step, data } };
}
