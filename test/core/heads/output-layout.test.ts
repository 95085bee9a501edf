import { describe, expect, it } from 'vitest';
import { describeLayout } from '../../../src/core/heads/output-layout.ts';
import type { SeenOutput } from '../../../src/core/heads/output-parts.ts';
import { createRandom } from '../../../src/core/random.ts';

const INPUT = { inputWidth: 320, inputHeight: 320, labels: null };
const ROWS = 20;

/** Rows of several images, each made by `rowOf`. */
function seen(name: string, columns: number, pictures: ((row: number) => readonly number[])[]): SeenOutput {
  const runs = pictures.map((rowOf) =>
    Float32Array.from(Array.from({ length: ROWS }, (_, row) => rowOf(row)).flat()),
  );
  return { name, integer: false, dims: [1, ROWS, columns], runs };
}

function random(seed: number): () => number {
  const source = createRandom(seed);
  return () => source.next();
}

describe('describeLayout', () => {
  it('reads pixels as corners even if an image unlike the training data swaps them', () => {
    const next = random(1);
    const row = (turned: boolean) => (index: number) => {
      const [x, y, w, h] = [200 * next(), 200 * next(), 100 * next(), 100 * next()];
      const box = turned ? [x + w, y + h, x, y] : [x, y, x + w, y + h];
      return [...box, 1 - index / ROWS, index % 3];
    };
    const output = seen('found', 6, [row(false), row(false), row(true)]);
    expect(describeLayout([output], {}, INPUT)).toMatchObject({
      box: 'corners',
      unit: 'pixels',
      suppressed: true,
    });
  });

  it('reads normalized boxes of queries as centers even if all of one image are large', () => {
    const next = random(2);
    const row = (large: boolean) => () => {
      const size = large ? 0.8 + 0.1 * next() : 0.2 * next();
      return [0.4 + 0.2 * next(), 0.4 + 0.2 * next(), size, size];
    };
    const scores = seen(
      'logits',
      3,
      [0, 1, 2].map(() => () => [-3 * next(), 2 * next(), -4 * next()]),
    );
    const boxes = seen('boxes', 4, [row(false), row(true), row(true)]);
    expect(describeLayout([scores, boxes], {}, INPUT)).toMatchObject({
      ...{ box: 'centers', unit: 'normalized', logits: true, suppressed: true },
    });
  });
});
