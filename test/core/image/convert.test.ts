import { describe, expect, it } from 'vitest';
import { toRgb } from '../../../src/core/image/convert.ts';
import { packedBytes, packRows } from '../../../src/core/image/pack.ts';
import { packedView, padRows, pixelsOf, vectors } from './vectors.ts';

const rgb = vectors.conversions[0]!;
const cases = [
  ...vectors.conversions,
  { ...rgb, encoding: 'rgb8' as const, source: rgb.rgb }, // from RGB to RGB there is nothing to convert
];

describe.each(cases)('$encoding', ({ encoding, width, height, source, rgb }) => {
  const view = packedView(encoding, width, height, pixelsOf(source));

  it.each([0, 2, 6, 64])('becomes the RGB that OpenCV makes, with %i bytes of padding', (padding) => {
    const out = new Uint8Array(width * height * 3 + 5).fill(0xcc);
    toRgb(padRows(view, padding), out);
    expect(out.subarray(0, width * height * 3)).toEqual(pixelsOf(rgb));
    expect(out.subarray(width * height * 3)).toEqual(new Uint8Array(5).fill(0xcc));
  });

  it.each([0, 2, 6, 64])('loses %i bytes of padding when packed', (padding) => {
    const bytes = packedBytes(encoding, width, height);
    const out = new Uint8Array(bytes + 5).fill(0xcc);
    packRows(padRows(view, padding), out);
    expect(out.subarray(0, bytes)).toEqual(view.data);
    expect(out.subarray(bytes)).toEqual(new Uint8Array(5).fill(0xcc));
  });
});
