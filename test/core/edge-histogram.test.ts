import { expect, it } from 'vitest';
import { addHistograms, countOf, percentileOf } from '../../src/core/edge-histogram.ts';

const edgesMs = [10, 20, 40];

it('percentiles of a sum are those of all values together, not of an average', () => {
  const fast = { edgesMs, counts: [0, 99, 0, 0] };
  const slow = { edgesMs, counts: [0, 0, 1, 0] };
  const all = addHistograms([fast, slow]);
  expect(all.counts).toEqual([0, 99, 1, 0]);
  expect(countOf(all)).toBe(100);
  expect(percentileOf(all, 0.99)).toBe(20);
  expect(percentileOf(all, 1)).toBe(40);
  expect(percentileOf(all, 0.5)).toBeCloseTo(10 + (10 * 50) / 99);
});

it('what is above the last edge is reported as that edge; other edges are not added', () => {
  expect(percentileOf({ edgesMs, counts: [0, 0, 0, 5] }, 0.5)).toBe(40);
  expect(countOf(addHistograms([]))).toBe(0);
  expect(percentileOf(addHistograms([]), 0.5)).toBe(0);
  const sum = addHistograms([
    { edgesMs, counts: [1, 0, 0, 0] },
    { edgesMs: [1, 2], counts: [7, 7, 7] },
  ]);
  expect(sum.counts).toEqual([1, 0, 0, 0]);
});
