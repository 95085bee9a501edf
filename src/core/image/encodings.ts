import { BAYER_ENCODINGS, PIXEL_ENCODINGS, type PixelEncoding } from './image-view.ts';

/**
 * Encoding names of `sensor_msgs/Image` in lower case and the layout that each stands for. `8UCn` does not state
 * colors; it is read in OpenCV's channel order, which is what `cv_bridge` publishers mean. `yuv422` is UYVY by
 * definition of sensor_msgs, `yuv422_yuy2` is YUYV. `mono16` is light, of which the high byte is used; `16UC1` comes
 * from depth cameras and is refused. Mosaics have one name only. Each layout is also known by its own name.
 */
const ALIASES: ReadonlyMap<string, PixelEncoding> = new Map([
  ['rgb8', 'rgb8'],
  ['bgr8', 'bgr8'],
  ['8uc3', 'bgr8'],
  ['rgba8', 'rgba8'],
  ['bgra8', 'bgra8'],
  ['8uc4', 'bgra8'],
  ['mono8', 'mono8'],
  ['8uc1', 'mono8'],
  ['mono16', 'mono16'],
  ['mono16be', 'mono16be'],
  ['uyvy', 'uyvy'],
  ['yuv422', 'uyvy'],
  ['yuyv', 'yuyv'],
  ['yuy2', 'yuyv'],
  ['yuv422_yuy2', 'yuyv'],
  ['nv12', 'nv12'],
  ['nv21', 'nv21'],
  ['i420', 'i420'],
  ['yuv420', 'i420'],
  ...BAYER_ENCODINGS.map((name): [string, PixelEncoding] => [name, name]),
]);

const SUPPORTED =
  'rgb8, bgr8, rgba8, bgra8, mono8, mono16, 8UC1, 8UC3, 8UC4, uyvy (yuv422), yuyv ' +
  '(yuv422_yuy2), nv12, nv21, i420 (yuv420), bayer_rggb, bggr, gbrg and grbg of 8 and 16 ' +
  'bits';

/**
 * The canonical layout for a ROS encoding name (case-insensitive); `undefined` if Goshawk does not support it.
 * @param isBigEndian of channels wider than one byte, according to the message
 */
export function canonicalEncoding(name: string, isBigEndian = false): PixelEncoding | undefined {
  const encoding = ALIASES.get(name) ?? ALIASES.get(name.toLowerCase());
  if (!isBigEndian) return encoding;
  const swapped = `${encoding}be`;
  return isPixelEncoding(swapped) ? swapped : encoding;
}

function isPixelEncoding(name: string): name is PixelEncoding {
  return PIXEL_ENCODINGS.some((encoding) => encoding === name);
}

/** The text for a refused encoding: what it is, and what to send instead. */
export function describeUnsupportedEncoding(name: string): string {
  const shown = JSON.stringify(name.slice(0, 64));
  let kind = 'is unknown';
  if (/^bayer_/i.test(name))
    kind = 'is a Bayer mosaic of another depth or pattern (run image_proc/debayer first)';
  else if (/^(mono|rgba?|bgra?)16$|^(16|32|64)[USF]C/i.test(name))
    kind = 'has channels wider than 8 bits (depth or high dynamic range; gray of 16 bits is read as mono16)';
  return `encoding ${shown} ${kind}; supported: ${SUPPORTED}`;
}
