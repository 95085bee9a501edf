import { refuseSize } from '../admission/limits.ts';
import { refuseRaw } from '../admission/raw.ts';
import type { Stamp } from '../frame.ts';
import type { ImageView } from '../image/image-view.ts';
import { canonicalEncoding, describeUnsupportedEncoding } from '../image/encodings.ts';
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
  /** byte order of channels wider than one byte, of which Goshawk supports mono16 and mosaics */
  readonly isBigEndian: boolean;
  /** bytes from one row to the next, as the message claims */
  readonly step: number;
  readonly data: Uint8Array;
}

const cursor = new CdrCursor();

/**
 * Reads a serialized `sensor_msgs/msg/Image` of either byte order without copying pixels. Never throws: for any bytes,
 * it returns an image or a refusal. `malformed`: truncated, wrong lengths, invalid text; `bad_size`: a side of zero or
 * too many pixels; `unsupported_encoding`: a CDR representation other than plain CDR. `toImageView` checks whether
 * encoding, step and data fit together. Bytes after the last field are ignored, as ROS's own readers do (some
 * middlewares pad).
 */
export function parseImage(bytes: Uint8Array): CdrImage | Refusal {
  cursor.open(bytes);
  const { stamp, frameId } = readHeader(cursor);
  const height = cursor.uint32('height');
  const width = cursor.uint32('width');
  // Before the data: for an image that is also truncated, a refused size is the more useful reason.
  if (!cursor.failed) {
    const badSize = refuseSize(width, height);
    if (badSize !== undefined) cursor.fail(badSize.reason, badSize.detail);
  }
  const encoding = cursor.string('encoding');
  const isBigEndian = cursor.uint8('is_bigendian') !== 0;
  const step = cursor.uint32('step');
  const data = cursor.byteSequence('data');
  cursor.close();
  return cursor.refusal() ?? { ok: true, stamp, frameId, height, width, encoding, isBigEndian, step, data };
}

/** An image with its layout checked: every pixel that width, height and encoding promise is inside `view.data`. */
export interface CheckedImage {
  readonly ok: true;
  readonly view: ImageView;
}

/** The image of a message under its canonical encoding, or why it is refused: `refuseRaw` decides. */
export function toImageView(message: Omit<CdrImage, 'ok'>): CheckedImage | Refusal {
  const { width, height, step, data } = message;
  const encoding = canonicalEncoding(message.encoding, message.isBigEndian);
  if (encoding === undefined)
    return refuse('unsupported_encoding', describeUnsupportedEncoding(message.encoding));
  const view = { width, height, encoding, step, data };
  return refuseRaw(view) ?? { ok: true, view };
}
