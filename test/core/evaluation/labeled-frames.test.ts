import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DetectedBox } from '../../../src/core/evaluation/boxes.ts';
import { evaluateDetections } from '../../../src/core/evaluation/evaluate.ts';
import { LabeledFrames, type LabeledObject } from '../../../src/core/evaluation/labeled-frames.ts';

const LABELS = ['person', 'car'];
const at = (index: number) => ({ sec: 100 + index, nanosec: 5 });

const detected = (x: number, score = 0.9, classIndex = 0): DetectedBox => ({
  image: 0,
  classIndex,
  x,
  y: 10,
  width: 20,
  height: 20,
  score,
});
const labeled = (x: number, label = 'person'): LabeledObject => ({ label, box: [x, 10, x + 20, 30] });

const boxes = fc.array(
  fc.record({ x: fc.integer({ min: 0, max: 60 }), score: fc.double({ min: 0.1, max: 1, noNaN: true }) }),
  { maxLength: 4 },
);
const objects = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 4 });
const frames = fc.array(fc.tuple(boxes, objects, fc.boolean()), { maxLength: 30 });

describe('labeled frames', () => {
  it('are evaluated as a data set is, whichever of boxes and labels comes first', () => {
    fc.assert(
      fc.property(frames, (list) => {
        const all = new LabeledFrames(LABELS, 100);
        // frames wait once there have been labels
        all.noteLabels(at(-1), []);
        list.forEach(([own, truths, isLate], i) => {
          const note = (): void =>
            all.noteLabels(
              at(i),
              truths.map((x) => labeled(x)),
            );
          if (!isLate) note();
          all.noteFrame(
            at(i),
            own.map(({ x, score }) => detected(x, score)),
          );
          if (isLate) note();
        });
        const truths = list.flatMap(([, own], image) =>
          own.map((x) => ({
            image,
            classIndex: 0,
            x,
            y: 10,
            width: 20,
            height: 20,
            area: 400,
            crowd: false,
          })),
        );
        const detections = list.flatMap(([own], image) =>
          own.map(({ x, score }) => ({ ...detected(x, score), image })),
        );
        const { stats } = evaluateDetections({ images: list.length, classes: 2, truths, detections });
        expect(all.stats()).toEqual({
          frames: list.length,
          objects: truths.length,
          ap: stats.ap,
          ap50: stats.ap50,
        });
        expect(all.counts.matched).toBe(list.length);
      }),
    );
  });

  it('are the newest ones alone', () => {
    const newest = new LabeledFrames(LABELS, 2);
    const note = (index: number, x: number): void => {
      newest.noteLabels(at(index), [labeled(10)]);
      newest.noteFrame(at(index), [detected(x)]);
    };
    note(0, 40);
    expect(newest.stats()).toEqual({ frames: 1, objects: 1, ap: 0, ap50: 0 });
    note(1, 10);
    note(2, 10);
    expect(newest.stats()).toMatchObject({ frames: 2, objects: 2 });
    expect(newest.stats().ap).toBeCloseTo(1, 9);
  });

  it('do not wait before there are labels, nor for ever', () => {
    const bounded = new LabeledFrames(LABELS, 10);
    expect(bounded.wantsFrames).toBe(false);
    for (let i = 0; i < 301; i += 1) bounded.noteLabels(at(i), [labeled(10)]);
    expect(bounded.wantsFrames).toBe(true);
    bounded.noteFrame(at(0), [detected(10)]);
    expect(bounded.counts).toEqual({ matched: 0, unmatched: 1, unknown: 0 });
    bounded.noteFrame(at(300), [detected(10)]);
    expect(bounded.counts).toMatchObject({ matched: 1 });
  });

  it('have no AP without an object, and count objects that the model cannot know', () => {
    const odd = new LabeledFrames(LABELS, 10);
    odd.noteLabels(at(0), [
      labeled(10, 'tram'),
      { label: 'car', box: [5, 5, 5, 9] },
      { label: 'car', box: [NaN, 0, 1, 1] },
    ]);
    odd.noteFrame(at(0), []);
    expect(odd.stats()).toEqual({ frames: 1, objects: 0, ap: null, ap50: null });
    expect(odd.counts.unknown).toBe(3);
    const crowd = new LabeledFrames(LABELS, 1);
    crowd.noteFrame(at(0), []);
    crowd.noteLabels(
      at(1),
      Array.from({ length: 1200 }, () => labeled(5)),
    );
    crowd.noteFrame(at(1), []);
    expect(crowd.stats().objects).toBe(1000);
    expect(crowd.counts.unknown).toBe(200);
  });
});
