import { parseCompressedImage, toCompressedView } from '../../core/cdr/compressed-image.ts';
import { parseImage, toImageView } from '../../core/cdr/image.ts';
import type { Stamp } from '../../core/frame.ts';
import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import { refuse, type Refusal } from '../../core/refusal.ts';
import { unpackMessage } from '../recording/zstd.ts';

const IMAGE = /^sensor_msgs\/(msg\/)?Image$/;
const COMPRESSED = /^sensor_msgs\/(msg\/)?CompressedImage$/;

/** The kind of image message of a recorded type; `undefined` for any other type. */
export function imageKind(type: string): 'raw' | 'compressed' | undefined {
  if (IMAGE.test(type)) return 'raw';
  return COMPRESSED.test(type) ? 'compressed' : undefined;
}

/** An image with the header of its message. */
interface ReadImage {
  readonly ok: true;
  readonly view: ImageView | CompressedView;
  readonly stamp: Stamp;
  readonly frameId: string;
}

export type RecordedImage = ReadImage | Refusal;

/** The image of a recorded message, copied because messages of a chunk share memory. Never throws. */
export function readRecordedImage(data: Uint8Array, kind: 'raw' | 'compressed'): RecordedImage {
  let bytes: Uint8Array;
  try {
    const unpacked = unpackMessage(data);
    bytes = unpacked === data ? data.slice() : unpacked;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refuse('malformed', `the message is compressed with zstd and cannot be unpacked: ${reason}`);
  }
  const message = kind === 'raw' ? parseImage(bytes) : parseCompressedImage(bytes);
  if (!message.ok) return message;
  const image = 'format' in message ? toCompressedView(message) : toImageView(message);
  return image.ok ? { ...image, stamp: message.stamp, frameId: message.frameId } : image;
}

/** True for color images, according to their header. */
export function isColor(view: ImageView | CompressedView): boolean {
  if ('format' in view) return (view.header?.channels ?? 3) > 1;
  return !view.encoding.startsWith('mono');
}
