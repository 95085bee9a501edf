import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iou, ScoreOrder, Suppressor, type ScoredBoxes } from '../../src/core/nms.ts';

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  score: number;
  classIndex: number;
}

const box = fc.record({
  x: fc.integer({ min: 0, max: 60 }),
  y: fc.integer({ min: 0, max: 60 }),
  width: fc.integer({ min: 1, max: 40 }),
  height: fc.integer({ min: 1, max: 40 }),
  // only a few different scores, so that there are ties
  score: fc.integer({ min: 0, max: 20 }).map((v) => v / 20),
  classIndex: fc.integer({ min: 0, max: 2 }),
});
const scene = fc.record({
  list: fc.array(box, { maxLength: 60 }),
  iouThreshold: fc.double({ min: 0, max: 1, noNaN: true }),
});

function packed(list: readonly Box[]): ScoredBoxes {
  return {
    count: list.length,
    boxes: Float32Array.from(list.flatMap(({ x, y, width, height }) => [x, y, x + width, y + height])),
    scores: Float32Array.from(list, ({ score }) => score),
    classes: Uint16Array.from(list, ({ classIndex }) => classIndex),
  };
}

function suppress(
  list: readonly Box[],
  iouThreshold: number,
  maxCandidates = Infinity,
  maxKept = list.length,
): number[] {
  const kept = new Uint32Array(list.length);
  const settings = { iouThreshold, maxCandidates, maxKept };
  return [...kept.subarray(0, new Suppressor().run(packed(list), settings, kept))];
}

describe('Suppressor', () => {
  it('keeps no two boxes of a class that overlap above the threshold, and drops none without cause', () => {
    fc.assert(
      fc.property(scene, ({ list, iouThreshold }) => {
        const kept = suppress(list, iouThreshold);
        const { boxes } = packed(list);
        const rivals = (a: number, b: number): boolean =>
          list[a]!.classIndex === list[b]!.classIndex && iou(boxes, a, boxes, b) > iouThreshold;
        for (const a of kept) for (const b of kept) if (a !== b) expect(rivals(a, b)).toBe(false);
        const stronger = (a: number, b: number): boolean =>
          list[a]!.score > list[b]!.score || (list[a]!.score === list[b]!.score && a < b);
        list.forEach((_, i) => {
          if (!kept.includes(i)) expect(kept.some((k) => stronger(k, i) && rivals(k, i))).toBe(true);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('orders by score, equal scores by index', () => {
    fc.assert(
      fc.property(scene, ({ list, iouThreshold }) => {
        const kept = suppress(list, iouThreshold);
        const sorted = [...kept].sort((a, b) => list[b]!.score - list[a]!.score || a - b);
        expect(kept).toEqual(sorted);
        expect(new Set(kept).size).toBe(kept.length);
      }),
    );
  });

  it('changes nothing when it is applied again', () => {
    fc.assert(
      fc.property(scene, ({ list, iouThreshold }) => {
        const once = suppress(list, iouThreshold).map((i) => list[i]!);
        const again = suppress(once, iouThreshold).map((i) => once[i]!);
        expect(again).toEqual(once);
      }),
    );
  });

  it('returns the first boxes of the full result if the number of kept boxes is limited', () => {
    fc.assert(
      fc.property(scene, fc.nat({ max: 10 }), ({ list, iouThreshold }, limit) => {
        const all = suppress(list, iouThreshold);
        expect(suppress(list, iouThreshold, Infinity, limit)).toEqual(all.slice(0, limit));
      }),
    );
  });

  it('considers only the best candidates if their number is limited', () => {
    const apart = [0.2, 0.9, 0.5, 0.9].map((score, i) => ({
      ...{ x: 100 * i, y: 0, width: 10, height: 10, classIndex: 0 },
      score,
    }));
    expect(suppress(apart, 0.5, 3)).toEqual([1, 3, 2]);
  });

  it('keeps a box whose overlap is exactly the threshold', () => {
    const full = { x: 0, y: 0, width: 10, height: 10, score: 0.9, classIndex: 0 };
    const half = { ...full, width: 5, score: 0.8 };
    expect(suppress([full, half], 0.5)).toEqual([0, 1]);
    expect(suppress([full, half], 0.499)).toEqual([0]);
  });
});

describe('ScoreOrder', () => {
  it('distinguishes neighboring floats', () => {
    const scores = Float32Array.of(0.5, 0.5 + 2 ** -24, 0, 2 ** -149, 1);
    const order = new Uint32Array(5);
    expect(new ScoreOrder().best(scores, 5, 5, order)).toBe(5);
    expect([...order]).toEqual([4, 1, 0, 3, 2]);
  });
});

describe('iou', () => {
  it('is 0 for boxes that only touch, and for empty ones', () => {
    const boxes = Float32Array.of(0, 0, 10, 10, 10, 0, 20, 10, 5, 5, 5, 5);
    expect([iou(boxes, 0, boxes, 1), iou(boxes, 0, boxes, 2), iou(boxes, 2, boxes, 2)]).toEqual([0, 0, 0]);
    expect(iou(boxes, 0, boxes, 0)).toBe(1);
  });
});
