import type { Frame } from '../../../core/frame.ts';
import { isCompressed } from '../../../core/image/image-view.ts';

/** A frame in a few words for the log, as its message describes it. */
export function describeFrame({ envelope, image }: Frame): string {
  const { sec, nanosec } = envelope.stamp;
  const stamp = `${String(sec)}.${String(nanosec).padStart(9, '0')}`;
  const bytes = `${String(image.data.byteLength)} bytes`;
  const layout = isCompressed(image)
    ? `${image.format} of ${bytes}`
    : `${String(image.width)}x${String(image.height)} ${image.encoding} of step ${String(image.step)}, ${bytes}`;
  return `${layout}, stamp ${stamp}`;
}
