import { describe, expect, it } from 'vitest';
import { createDetections } from '../../../src/core/detections.ts';
import { TrackWatch, type TrackStep } from '../../../src/core/drift/track-watch.ts';

/** A frame with one box of track 3, 16 x 9 pixels. */
function frameAt(x: number, score: number) {
  const detections = createDetections(1);
  detections.count = 1;
  detections.tracks[0] = 3;
  detections.scores[0] = score;
  detections.boxes.set([x, 10, x + 16, 19]);
  return detections;
}

function follow(frames: readonly (readonly [x: number, score: number] | null)[]): TrackStep[] {
  const watch = new TrackWatch();
  const steps: TrackStep[] = [];
  frames.forEach((frame, i) => {
    const detections = frame === null ? createDetections(0) : frameAt(...frame);
    watch.update(detections, i / 30, () => undefined, (step) => void steps.push(step)); // prettier-ignore
  });
  return steps;
}

describe('steps of a track', () => {
  it('say how far the score is below the highest one', () => {
    const sags = follow([[0, 0.5], [0, 0.25], [0, 1], [0, 0.75]]).map(({ sag }) => sag); // prettier-ignore
    expect(sags).toEqual([0.5, 0, 0.25]);
  });

  it('say how far the center is from where it was going, in sizes', () => {
    // the square root of 16 x 9 is 12
    const jitter = follow([[0, 1], [3, 1], [6, 1], [15, 1], [24, 1]]).map((step) => step.jitter); // prettier-ignore
    expect(jitter).toEqual([null, 0, 0.5, 0]);
  });

  it('need three frames in a row', () => {
    const steps = follow([[0, 1], [3, 1], null, [9, 1], [12, 1], [15, 1]]); // prettier-ignore
    const jitter = steps.map((step) => step.jitter);
    expect(jitter).toEqual([null, null, null, 0]);
  });

  it('have no value of a score that was never above 0', () => {
    expect(follow([[0, 0], [0, 0]])[0]?.sag).toBeNaN(); // prettier-ignore
  });
});
