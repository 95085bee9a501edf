import { afterAll, describe, expect, it } from 'vitest';
import { parseCompressedImage, toCompressedView } from '../../../src/core/cdr/compressed-image.ts';
import { parseImage, toImageView } from '../../../src/core/cdr/image.ts';
import type { ImageView } from '../../../src/core/image/image-view.ts';
import { toRgb } from '../../../src/core/image/convert.ts';
import { planeRows } from '../../../src/core/image/layout.ts';
import { rowBytes } from '../../support/row-bytes.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import type { Refusal } from '../../../src/core/refusal.ts';
import { golden, goldenBytes } from './golden.ts';

/** Every run fuzzes the same messages; a failure names the message's number, from which it can be reproduced. */
const SEED = 20260117;
const IMAGES = 12_000;
const COMPRESSED = 6_000;

/** Values that break arithmetic: zero, sign bits, sums that overflow, the sizes of the largest images. */
const NASTY = [
  0, 1, 3, 0x7f, 0xff, 4096, 8191, 8192, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff,
] as const;

const REASONS = ['malformed', 'bad_size', 'unsupported_encoding', 'corrupt_image'];

const outcomes = new Map<string, number>();
function count(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

/** One to four mutations: truncated, lengthened, bits flipped, a wrong length or size, another byte order. */
function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = original.slice();
  for (let left = random.int(1, 4); left > 0; left--) {
    // Most of an image is pixels, which cannot be wrong: aim at the fields before them.
    const reach = Math.min(bytes.length, 64) - 1;
    const at = reach < 0 ? 0 : random.int(0, reach);
    switch (random.int(0, 5)) {
      case 0:
        bytes = bytes.slice(0, random.int(0, bytes.length));
        break;
      case 1: {
        const longer = new Uint8Array(bytes.length + random.int(1, 9)).fill(random.int(0, 255));
        longer.set(bytes);
        bytes = longer;
        break;
      }
      case 2:
        for (let flips = random.int(1, 8); flips > 0 && bytes.length > 0; flips--) {
          const where = random.int(0, bytes.length - 1);
          bytes[where] = bytes[where]! ^ (1 << random.int(0, 7));
        }
        break;
      case 3:
        if (bytes.length >= 8) {
          const where = Math.min(bytes.length - 4, at & ~3);
          const nasty = NASTY[random.int(0, NASTY.length - 1)]!;
          new DataView(bytes.buffer).setUint32(where, nasty, random.chance(0.8));
        }
        break;
      case 4:
        if (bytes.length > 1) bytes[1] = random.int(0, 12);
        break;
      case 5:
        if (bytes.length > 0) bytes[at] = random.int(0, 255);
        break;
    }
  }
  return bytes;
}

/** The mutated message in the middle of a larger buffer, so that a view that leaves it is detected. */
function embed(message: Uint8Array, random: Random): Uint8Array {
  const before = random.int(0, 7);
  const pool = new Uint8Array(before + message.length + 16).fill(0xa5);
  pool.set(message, before);
  return pool.subarray(before, before + message.length);
}

function expectInside(data: Uint8Array, message: Uint8Array): void {
  if (data.length === 0) return;
  expect(data.buffer).toBe(message.buffer);
  expect(data.byteOffset).toBeGreaterThanOrEqual(message.byteOffset);
  expect(data.byteOffset + data.length).toBeLessThanOrEqual(message.byteOffset + message.length);
}

function expectKnown(refusal: Refusal): void {
  expect(REASONS).toContain(refusal.reason);
  expect(refusal.detail.length).toBeGreaterThan(10);
  count(refusal.reason);
}

function expectWhole(view: ImageView): void {
  expect(view.width * view.height).toBeGreaterThan(0);
  expect(view.step).toBeGreaterThanOrEqual(rowBytes(view.encoding, view.width));
  expect(view.data.length).toBe(view.step * planeRows(view.encoding, view.height));
  // Later stages trust the view: every pixel must be there.
  toRgb(view, new Uint8Array(view.width * view.height * 3));
  count('view');
}

function fuzz(
  runs: number,
  seed: number,
  names: readonly string[],
  check: (message: Uint8Array) => void,
): void {
  const originals = names.map(goldenBytes);
  for (let run = 0; run < runs; run++) {
    const random = createRandom(seed + run);
    const message = embed(mutate(originals[run % originals.length]!, random), random);
    try {
      check(message);
    } catch (error) {
      throw new Error(`fuzzed message ${run} of seed ${seed}: ${Buffer.from(message).toString('hex')}`, {
        cause: error,
      });
    }
  }
}

describe('fuzzed messages are read or refused, never more', () => {
  it(`${IMAGES} images, seed ${SEED}`, () => {
    const names = [...golden.images.map((image) => image.name), 'big-endian-image'];
    fuzz(IMAGES, SEED, names, (message) => {
      const image = parseImage(message);
      if (!image.ok) return expectKnown(image);
      expectInside(image.data, message);
      const checked = toImageView(image);
      if (checked.ok) expectWhole(checked.view);
      else expectKnown(checked);
    });
  });

  it(`${COMPRESSED} compressed images, seed ${SEED + IMAGES}`, () => {
    const names = [...golden.compressed.map((image) => image.name), 'big-endian-compressed'];
    fuzz(COMPRESSED, SEED + IMAGES, names, (message) => {
      const image = parseCompressedImage(message);
      if (!image.ok) return expectKnown(image);
      expectInside(image.data, message);
      const checked = toCompressedView(image);
      if (!checked.ok) return expectKnown(checked);
      expect(['jpeg', 'png']).toContain(checked.view.format);
      count('view');
    });
  });

  afterAll(() => {
    // A fuzzer whose messages are all refused for the same reason tests little.
    for (const outcome of ['view', ...REASONS]) expect(outcomes.get(outcome) ?? 0).toBeGreaterThan(100);
  });
});
