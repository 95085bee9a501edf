import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { DEFAULT_TRACKER_SETTINGS, Tracker } from '../../../src/core/tracking/tracker.ts';

interface Seen {
  x: number;
  y: number;
  size?: number;
  score?: number;
  classIndex?: number;
}

function detect(seen: readonly Seen[]): Detections {
  const detections = createDetections(Math.max(1, seen.length));
  seen.forEach(({ x, y, size = 40, score = 0.9, classIndex = 0 }, i) => {
    detections.boxes.set([x, y, x + size, y + size], 4 * i);
    detections.scores[i] = score;
    detections.classes[i] = classIndex;
  });
  detections.count = seen.length;
  return detections;
}

/** Ids of one frame's detections, in order. */
function step(tracker: Tracker, stamp: number, seen: readonly Seen[]): number[] {
  const detections = detect(seen);
  tracker.update(detections, stamp);
  return [...detections.tracks.subarray(0, detections.count)];
}

const FRAME = 1 / 30;

describe('Tracker', () => {
  it('confirms an object on its second frame and keeps its id while it moves', () => {
    const tracker = new Tracker();
    expect(step(tracker, 0, [{ x: 0, y: 0 }])).toEqual([0]);
    for (let frame = 1; frame < 60; frame++) {
      expect(step(tracker, frame * FRAME, [{ x: 5 * frame, y: 2 * frame }])).toEqual([1]);
    }
    expect(tracker.size).toBe(1);
  });

  it('keeps ids through an occlusion of half a second by predicting the motion', () => {
    const tracker = new Tracker();
    const at = (frame: number): Seen => ({ x: 8 * frame, y: 100 });
    for (let frame = 0; frame < 20; frame++) step(tracker, frame * FRAME, [at(frame)]);
    for (let frame = 20; frame < 35; frame++) step(tracker, frame * FRAME, []);
    // 120 px further: three times its width from where it was last seen
    expect(step(tracker, 35 * FRAME, [at(35)])).toEqual([1]);
  });

  it('does not swap ids of two objects that cross', () => {
    const tracker = new Tracker();
    const scene = (frame: number): Seen[] => [
      { x: 6 * frame, y: 100 },
      { x: 360 - 6 * frame, y: 120 },
    ];
    step(tracker, 0, scene(0));
    for (let frame = 1; frame < 60; frame++)
      expect(step(tracker, frame * FRAME, scene(frame))).toEqual([1, 2]);
  });

  it('extends a confirmed track with low-score detections, which never start one', () => {
    const tracker = new Tracker();
    step(tracker, 0, [{ x: 0, y: 0 }]);
    step(tracker, FRAME, [{ x: 2, y: 0 }]);
    const lowScore = [
      { x: 4, y: 0, score: 0.2 },
      { x: 300, y: 0, score: 0.4 },
      { x: 400, y: 0, score: 0.05 },
    ];
    expect(step(tracker, 2 * FRAME, lowScore)).toEqual([1, 0, 0]);
    expect(tracker.size).toBe(1);
  });

  it('assigns a new id to another class at the same place', () => {
    const tracker = new Tracker();
    for (let frame = 0; frame < 5; frame++) step(tracker, frame * FRAME, [{ x: 0, y: 0, classIndex: 1 }]);
    expect(step(tracker, 5 * FRAME, [{ x: 0, y: 0, classIndex: 2 }])).toEqual([0]);
    expect(step(tracker, 6 * FRAME, [{ x: 0, y: 0, classIndex: 2 }])).toEqual([2]);
  });

  it('drops a lost track after seconds, not frames', () => {
    const returnAfter = (gap: number): number[] => {
      const tracker = new Tracker();
      for (let frame = 0; frame < 5; frame++) step(tracker, frame * FRAME, [{ x: 0, y: 0 }]);
      step(tracker, 4 * FRAME + gap, [{ x: 0, y: 0 }]);
      return step(tracker, 5 * FRAME + gap, [{ x: 0, y: 0 }]);
    };
    expect(returnAfter(0.9)).toEqual([1]);
    expect(returnAfter(1.1)).toEqual([2]);
  });

  it('drops a tentative track at its first miss', () => {
    const tracker = new Tracker();
    step(tracker, 0, [{ x: 0, y: 0 }]);
    step(tracker, FRAME, []);
    expect(tracker.size).toBe(0);
  });

  it('starts over when stamps go back, without reusing an id', () => {
    const tracker = new Tracker();
    step(tracker, 100, [{ x: 0, y: 0 }]);
    expect(step(tracker, 100 + FRAME, [{ x: 0, y: 0 }])).toEqual([1]);
    expect(step(tracker, 5, [{ x: 0, y: 0 }])).toEqual([0]);
    expect(step(tracker, 5 + FRAME, [{ x: 0, y: 0 }])).toEqual([2]);
  });

  it('respects the maximum number of tracks: drops lost ones first, then refuses and counts new ones', () => {
    const tracker = new Tracker({ ...DEFAULT_TRACKER_SETTINGS, maxTracks: 3, confirmFrames: 1 });
    const row = (...xs: number[]): Seen[] => xs.map((x) => ({ x, y: 0 }));
    expect(step(tracker, 0, row(0, 100, 200))).toEqual([1, 2, 3]);
    expect(step(tracker, FRAME, row(100, 200, 300))).toEqual([2, 3, 4]);
    expect(tracker.refused).toBe(0);
    expect(step(tracker, 2 * FRAME, row(100, 200, 300, 400))).toEqual([2, 3, 4, 0]);
    expect([tracker.size, tracker.refused]).toEqual([3, 1]);
  });

  const seen = fc.record({
    x: fc.integer({ min: 0, max: 300 }),
    y: fc.integer({ min: 0, max: 200 }),
    size: fc.integer({ min: 0, max: 80 }),
    score: fc.integer({ min: 0, max: 10 }).map((v) => v / 10),
    classIndex: fc.integer({ min: 0, max: 1 }),
  });
  const video = fc.array(
    fc.record({
      gap: fc.double({ min: 0, max: 1.5, noNaN: true }),
      frame: fc.array(seen, { maxLength: 12 }),
    }),
    { maxLength: 30 },
  );

  it('assigns an id at most once per frame, new ids in ascending order, and stays within its bound', () => {
    fc.assert(
      fc.property(video, (frames) => {
        const tracker = new Tracker({ ...DEFAULT_TRACKER_SETTINGS, maxTracks: 16 });
        const classOf = new Map<number, number>();
        let stamp = 0;
        let highest = 0;
        for (const { gap, frame } of frames) {
          stamp += gap;
          const ids = step(tracker, stamp, frame);
          const given = ids.filter((id) => id > 0);
          expect(new Set(given).size).toBe(given.length);
          const fresh = given.filter((id) => id > highest).sort((a, b) => a - b);
          fresh.forEach((id, i) => expect(id).toBe(highest + 1 + i));
          highest += fresh.length;
          ids.forEach((id, i) => {
            if (id === 0) return;
            expect(classOf.get(id) ?? frame[i]!.classIndex).toBe(frame[i]!.classIndex);
            classOf.set(id, frame[i]!.classIndex);
          });
          expect(tracker.size).toBeLessThanOrEqual(16);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('assigns the same ids in any order of detections', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 5 }), (objects, rotation) => {
        const scene = (frame: number): Seen[] =>
          Array.from({ length: objects }, (_, i) => ({ x: 100 * i + 3 * frame, y: 50 }));
        const plain = new Tracker();
        const rotated = new Tracker();
        for (let frame = 0; frame < 5; frame++) {
          const list = scene(frame);
          const turn = frame < 2 ? 0 : rotation % objects;
          const ids = step(plain, frame * FRAME, list);
          const turned = step(rotated, frame * FRAME, [...list.slice(turn), ...list.slice(0, turn)]);
          expect([...turned.slice(objects - turn), ...turned.slice(0, objects - turn)]).toEqual(ids);
        }
      }),
    );
  });
});
