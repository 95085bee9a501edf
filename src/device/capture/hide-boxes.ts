import type { Detections } from '../../core/detections.ts';
import type { ImageView } from '../../core/image/image-view.ts';
import { asBuffer, sharp } from '../imaging/sharp-setup.ts';

/** What is left of the longer side of a box: too little to recognize a face or a plate. */
const LEFT_PIXELS = 8;
/** A box is enlarged by this share of its size on each side: detectors cut off hair and feet. */
const MARGIN = 0.1;

interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels that go over a region. */
interface Patch extends Pick<Region, 'left' | 'top'> {
  readonly input: Buffer;
  readonly raw: { readonly width: number; readonly height: number; readonly channels: 3 };
}

/**
 * Blurs the boxes of an image beyond recovery: each is reduced to 8 pixels and enlarged again.
 * @param image packed RGB, in whose pixels the boxes are
 * @returns the image as JPEG
 */
export async function blurBoxes(
  image: ImageView,
  detections: Detections,
  quality: number,
): Promise<Uint8Array> {
  const { width, height } = image;
  const raw = { width, height, channels: 3 } as const;
  const rgb = asBuffer(image.data);
  const patches: Patch[] = [];
  // one after another: boxes of a crowd would hold all threads, which cameras and disks need too
  for (const { left, top, ...size } of regionsOf(detections, width, height)) {
    const input = await blurred(rgb, raw, { left, top, ...size });
    patches.push({ input, raw: { ...size, channels: 3 }, left, top });
  }
  return sharp(rgb, { raw }).composite(patches).jpeg({ quality }).toBuffer();
}

async function blurred(
  rgb: Buffer,
  raw: { readonly width: number; readonly height: number; readonly channels: 3 },
  region: Region,
): Promise<Buffer> {
  const scale = Math.min(1, LEFT_PIXELS / Math.max(region.width, region.height));
  const size = [region.width, region.height].map((side) => Math.max(1, Math.round(side * scale)));
  const small = await sharp(rgb, { raw })
    .extract(region)
    .resize(size[0], size[1], { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = small.info;
  return sharp(small.data, { raw: { width, height, channels: 3 } })
    .resize(region.width, region.height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
}

/** Whole pixels within the image; boxes outside of it have none. */
function regionsOf({ count, boxes }: Detections, width: number, height: number): Region[] {
  return Array.from({ length: count }, (_, i) => boxes.subarray(i * 4, i * 4 + 4)).flatMap(
    ([x1 = 0, y1 = 0, x2 = 0, y2 = 0]) => {
      const [left, right] = enlarged(x1, x2, width);
      const [top, bottom] = enlarged(y1, y2, height);
      return right > left && bottom > top ? [{ left, top, width: right - left, height: bottom - top }] : [];
    },
  );
}

function enlarged(from: number, to: number, end: number): readonly [number, number] {
  const margin = (to - from) * MARGIN;
  return [Math.max(0, Math.floor(from - margin)), Math.min(end, Math.ceil(to + margin))];
}
