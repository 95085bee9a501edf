import { describe, expect, it } from 'vitest';
import type { PixelEncoding } from '../../../src/core/image/image-view.ts';
import { toRgb } from '../../../src/core/image/convert.ts';
import { mosaics, packedView, padRows, pixelsOf, vectors } from './vectors.ts';

const rgb = vectors.conversions[0]!;
const cases = [
  ...vectors.conversions,
  { ...rgb, encoding: 'rgb8' as const, source: rgb.rgb }, // RGB to RGB needs no conversion
  ...derived('nv12', 'nv21', (bytes, { width, height }) => swapPairs(bytes, width * height)),
  ...derived('mono8', 'mono16', (bytes) => widen(bytes, 1)),
  ...derived('mono8', 'mono16be', (bytes) => widen(bytes, 0)),
  ...mosaics,
  ...mosaics.filter(({ encoding }) => encoding.endsWith('16')).map(bigEndian),
];

/** OpenCV's images in another layout, derived by the definition of that layout. */
function derived(
  from: PixelEncoding,
  encoding: PixelEncoding,
  change: (bytes: Uint8Array, size: { width: number; height: number }) => Uint8Array,
) {
  return vectors.conversions
    .filter((one) => one.encoding === from)
    .map((one) => {
      const source = Buffer.from(change(pixelsOf(one.source), one)).toString('base64');
      return { ...one, encoding, source };
    });
}

/** The same 16-bit samples with the high byte first. */
function bigEndian(mosaic: (typeof mosaics)[number]): (typeof mosaics)[number] {
  const source = Buffer.from(mosaic.source, 'base64').swap16().toString('base64');
  return { ...mosaic, encoding: `${mosaic.encoding}be` as PixelEncoding, source };
}

/** Swaps to V before U from byte `start` on. */
function swapPairs(bytes: Uint8Array, start: number): Uint8Array {
  return bytes.map((byte, i) => (i < start ? byte : bytes[(i - start) % 2 === 0 ? i + 1 : i - 1]!));
}

/** Bytes as the high bytes of 16 bits, at offset `high`; the low bytes are noise that must not count. */
function widen(bytes: Uint8Array, high: number): Uint8Array {
  return Uint8Array.from({ length: bytes.length * 2 }, (_, i) => (i % 2 === high ? bytes[i >> 1]! : 0xe7));
}

describe.each(cases)('$encoding of $width x $height', ({ encoding, width, height, source, rgb }) => {
  const view = packedView(encoding, width, height, pixelsOf(source));

  it.each([0, 2, 6, 64])('converts to the same RGB as OpenCV, with %i bytes of padding', (padding) => {
    const out = new Uint8Array(width * height * 3 + 5).fill(0xcc);
    toRgb(padRows(view, padding), out);
    expect(out.subarray(0, width * height * 3)).toEqual(pixelsOf(rgb));
    expect(out.subarray(width * height * 3)).toEqual(new Uint8Array(5).fill(0xcc));
  });
});
