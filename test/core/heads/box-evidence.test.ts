import { describe, expect, it } from 'vitest';
import { boxStatistics } from '../../../src/core/heads/box-evidence.ts';

const all = () => true;
const corners = [10, 10, 20, 30, 40, 50, 60, 70, 5, 5, 9, 9];

describe('boxStatistics', () => {
  it('judges the order of corners by the image with the most consistent answers', () => {
    // outside the training data, distances of YOLO26 become negative and its corners swap
    const reversed = corners.map((_, i) => corners[i % 4 < 2 ? i + 2 : i - 2]!);
    const runs = [Float32Array.from(corners), Float32Array.from(reversed)];
    expect(boxStatistics(runs, all)).toEqual({ rows: 6, largest: 70, ordered: 1, minOrdered: 0 });
  });

  it('does not mistake centers for corners', () => {
    const centers = Float32Array.from([0.5, 0.5, 0.2, 0.3, 0.1, 0.2, 0.4, 0.1, 0.7, 0.8, 0.1, 0.2]);
    expect(boxStatistics([centers, centers], all).ordered).toBe(0);
  });

  it('judges all images together if each has only a row or two', () => {
    const few = Float32Array.from(corners.slice(0, 8));
    const turned = Float32Array.from([20, 30, 10, 10]);
    expect(boxStatistics([few, few], all)).toMatchObject({ rows: 4, ordered: 1, minOrdered: 1 });
    expect(boxStatistics([turned, turned, few], all)).toMatchObject({
      rows: 4,
      ordered: 0.5,
      minOrdered: 0.5,
    });
  });

  it('makes no judgment from a row or two', () => {
    const few = Float32Array.from(corners.slice(0, 8));
    expect(boxStatistics([few], all)).toMatchObject({ rows: 2, ordered: 0 });
  });
});
