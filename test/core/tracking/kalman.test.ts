import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  correctFilter,
  filterCorners,
  FILTER_SIZE,
  predictFilter,
  startFilter,
} from '../../../src/core/tracking/kalman.ts';

interface Golden {
  start: number[];
  steps: { seconds: number; predicted: number[]; measured: number[] | null; corrected: number[] }[];
}

// made by golden/make.py: the same filter as eight-state matrices in numpy
const golden = JSON.parse(readFileSync(new URL('golden/kalman.json', import.meta.url), 'utf8')) as Golden;

function boxOf(filters: Float64Array): number[] {
  const corners = new Float32Array(4);
  filterCorners(filters, 0, corners, 0);
  const [x1, y1, x2, y2] = corners as unknown as [number, number, number, number];
  return [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1];
}

describe('box filter', () => {
  it('agrees with full matrices at varying frame intervals and with misses', () => {
    const filters = new Float64Array(FILTER_SIZE);
    startFilter(filters, 0, Float64Array.from(golden.start));
    for (const { seconds, predicted, measured, corrected } of golden.steps) {
      predictFilter(filters, 0, seconds);
      boxOf(filters).forEach((value, i) => expect(value).toBeCloseTo(predicted[i]!, 3));
      if (measured !== null) correctFilter(filters, 0, Float64Array.from(measured));
      boxOf(filters).forEach((value, i) => expect(value).toBeCloseTo(corrected[i]!, 3));
    }
  });
});
