import { describe, expect, it } from 'vitest';
import { bestCandidates, deviationFrom, type AllCandidates } from '../../../src/core/references/deviation.ts';

/** Candidates `[score, class, x, y]` with boxes of 20 x 10 pixels. */
function candidates(...entries: readonly (readonly [number, number, number, number])[]): AllCandidates {
  return {
    count: entries.length,
    scores: Float32Array.from(entries, ([score]) => score),
    classes: Uint16Array.from(entries, ([, own]) => own),
    boxes: Float32Array.from(entries.flatMap(([, , x, y]) => [x, y, x + 20, y + 10])),
  };
}

const SEEN = candidates([0.5, 1, 0, 0], [0.9, 0, 40, 40], [0.01, 2, 80, 80], [0.8, 3, 100, 0]);
const REFERENCE = bestCandidates(SEEN, 3);

describe('bestCandidates', () => {
  it('returns the highest scores with their places', () => {
    expect(REFERENCE.places).toEqual([1, 3, 0]);
    expect(REFERENCE.classes).toEqual([0, 3, 1]);
    expect(REFERENCE.boxes.slice(0, 4)).toEqual([40, 40, 60, 50]);
  });
});

describe('deviationFrom', () => {
  it('is 0 for equal candidates', () => {
    const { scores, boxes } = deviationFrom(REFERENCE, SEEN, false);
    expect(scores).toBeCloseTo(0, 6);
    expect(boxes).toBeCloseTo(0, 6);
  });

  it('is 1 if nothing is detected', () => {
    const nothing = { ...SEEN, scores: new Float32Array(4) };
    expect(deviationFrom(REFERENCE, nothing, false).scores).toBeCloseTo(1, 6);
    expect(deviationFrom(REFERENCE, candidates(), true).scores).toBeCloseTo(1, 6);
  });

  it('sums the differences of scores as a share of the reference', () => {
    const lowScore = { ...SEEN, scores: Float32Array.from(SEEN.scores, (score) => score * 0.9) };
    expect(deviationFrom(REFERENCE, lowScore, false).scores).toBeCloseTo(0.1, 6);
  });

  it('counts a candidate of another class as missing', () => {
    const other = { ...SEEN, classes: Uint16Array.of(1, 7, 2, 3) };
    expect(deviationFrom(REFERENCE, other, false).scores).toBeCloseTo(0.9 / 2.2, 5);
  });

  it('counts unexpected candidates by their score above the last one of the reference', () => {
    const more = { ...SEEN, scores: Float32Array.of(0.5, 0.9, 0.7, 0.8) };
    expect(deviationFrom(REFERENCE, more, false).scores).toBeCloseTo(0.2 / 2.2, 5);
  });

  it('measures how far edges are off as a share of the box, at most the size of the box', () => {
    const boxes = Float32Array.from(SEEN.boxes);
    for (let i = 0; i < boxes.length; i += 2) boxes[i]! += 2;
    const moved = deviationFrom(REFERENCE, { ...SEEN, boxes }, false);
    expect(moved.boxes).toBeCloseTo(0.05, 5);
    expect(moved.scores).toBeCloseTo(0, 6);
    const far = deviationFrom(REFERENCE, { ...SEEN, boxes: boxes.map((edge) => edge + 1e6) }, false);
    expect(far.boxes).toBeCloseTo(1, 5);
  });

  it('is relative to a score sum of 2 if the reference detects next to nothing', () => {
    const dark = candidates([0.02, 0, 0, 0]);
    const other = candidates([0.03, 0, 0, 0]);
    expect(deviationFrom(bestCandidates(dark, 3), other, false).scores).toBeCloseTo(0.005, 6);
  });
});

describe('deviationFrom for graphs that suppress', () => {
  it('is 0 for the same detections in any order', () => {
    const turned = candidates([0.8, 3, 100, 0], [0.5, 1, 0, 0], [0.9, 0, 40, 40]);
    expect(deviationFrom(REFERENCE, turned, true).scores).toBeCloseTo(0, 6);
  });

  it('matches each detection once, and only with a close one', () => {
    const twice = bestCandidates(candidates([0.9, 0, 0, 0], [0.8, 0, 1, 0]), 2);
    expect(deviationFrom(twice, candidates([0.9, 0, 0, 0]), true).scores).toBeCloseTo(0.8 / 2, 5);
    expect(deviationFrom(twice, candidates([0.9, 0, 500, 0], [0.8, 0, 900, 0]), true).scores).toBeCloseTo(
      1.8 / 2,
      1,
    );
  });
});
