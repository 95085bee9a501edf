import { createRandom } from '../../core/random.ts';
import {
  GraphSession,
  makeFeed,
  type OutputData,
  type OutputValue,
  type SessionOptions,
} from '../inference/session.ts';
import type { NetworkInput, Normalization } from './onnx/fold.ts';

/** Plain settings for looking at a graph: what the CPU provider computes, one thread. */
export const INSPECTION: SessionOptions = { provider: 'cpu', threads: 1, spinning: false };

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What the original network expects for a uint8 RGB picture: float planes or rows, ordered and normalized by plain arithmetic. */
export function networkValues(
  picture: Uint8Array,
  { width, height }: PictureSize,
  layout: NetworkInput['layout'],
  { colorOrder, scale, mean, std }: Normalization,
): Float32Array {
  const plane = width * height;
  const values = new Float32Array(plane * 3);
  for (let pixel = 0; pixel < plane; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const source = colorOrder === 'bgr' ? 2 - channel : channel;
      const value = ((picture[pixel * 3 + source] ?? 0) * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
      values[layout === 'nchw' ? channel * plane + pixel : pixel * 3 + channel] = value;
    }
  }
  return values;
}

/** Pictures that would show a mistake: noise, black, white, one channel only, ramps that differ along each axis. */
export function* testPictures({ width, height }: PictureSize): Generator<Uint8Array> {
  const bytes = width * height * 3;
  const random = createRandom(1);
  yield Uint8Array.from({ length: bytes }, () => random.int(0, 255));
  yield new Uint8Array(bytes);
  yield new Uint8Array(bytes).fill(255);
  yield Uint8Array.from({ length: bytes }, (_, i) => (i % 3 === 0 ? 255 : 0));
  yield Uint8Array.from({ length: bytes }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    return i % 3 === 0 ? x % 256 : i % 3 === 1 ? y % 256 : (x + y) % 256;
  });
}

export interface Equivalence {
  /** largest |folded - original| over all values */
  readonly maxAbsolute: number;
  /** largest |folded - original| / (1 + |original|) */
  readonly maxRelative: number;
  readonly pictures: number;
}

/** Runs the original and the folded graph on the same pictures. Throws where they differ in the shape of what they give. */
export async function compareGraphs(
  original: Uint8Array,
  folded: Uint8Array,
  input: NetworkInput,
  size: PictureSize,
  normalization: Normalization,
): Promise<Equivalence> {
  const before = await GraphSession.load(original, INSPECTION);
  const after = await GraphSession.load(folded, INSPECTION);
  const batch = input.batch ?? 1;
  const dims =
    input.layout === 'nchw' ? [batch, 3, size.height, size.width] : [batch, size.height, size.width, 3];
  let maxAbsolute = 0;
  let maxRelative = 0;
  let pictures = 0;
  try {
    for (const picture of testPictures(size)) {
      const values = networkValues(picture, size, input.layout, normalization);
      const expected = await before.run({ [input.name]: makeFeed(repeat(values, batch), dims) });
      const name = after.inputs[0]?.name ?? '';
      const got = await after.run({
        [name]: makeFeed(repeat(picture, batch), [batch, size.height, size.width, 3]),
      });
      expected.forEach((value, i) => {
        const difference = differenceOf(value, got[i]);
        maxAbsolute = Math.max(maxAbsolute, difference.absolute);
        maxRelative = Math.max(maxRelative, difference.relative);
      });
      pictures += 1;
    }
  } finally {
    await before.close();
    await after.close();
  }
  return { maxAbsolute, maxRelative, pictures };
}

function repeat<T extends Float32Array | Uint8Array>(values: T, times: number): T {
  if (times === 1) return values;
  const all = new (values.constructor as new (length: number) => T)(values.length * times);
  for (let i = 0; i < times; i += 1) all.set(values, i * values.length);
  return all;
}

/** Largest difference of two outputs, and largest relative to 1 + |expected|; infinite where one is no number. Throws where they differ in size. */
export function differenceOf(
  expected: Pick<OutputValue, 'name' | 'data'>,
  got: Pick<OutputValue, 'data'> | undefined,
): { absolute: number; relative: number } {
  const data: OutputData | undefined = got?.data;
  if (data?.length !== expected.data.length) {
    throw new Error(
      `output ${expected.name} had ${expected.data.length} values and has ${data?.length ?? 0}`,
    );
  }
  let absolute = 0;
  let relative = 0;
  for (let i = 0; i < data.length; i += 1) {
    const wanted = Number(expected.data[i]);
    const difference = Math.abs(Number(data[i]) - wanted);
    // NaN stays NaN and is no agreement; equal infinities are
    if (Object.is(Number(data[i]), wanted)) continue;
    absolute = Math.max(absolute, Number.isNaN(difference) ? Infinity : difference);
    relative = Math.max(relative, Number.isNaN(difference) ? Infinity : difference / (1 + Math.abs(wanted)));
  }
  return { absolute, relative };
}
