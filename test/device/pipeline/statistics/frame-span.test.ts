import { describe, expect, it } from 'vitest';
import { FrameSpan } from '../../../../src/device/pipeline/statistics/frame-span.ts';

function marked(...stretches: readonly (readonly number[])[]): FrameSpan {
  const span = new FrameSpan();
  for (const times of stretches) {
    for (const time of times) span.mark(time);
    span.pause();
  }
  return span;
}

const every = (ms: number, count: number, from: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i * ms);

describe('the time in which frames arrived', () => {
  it('yields the rate of the camera, however few frames there are', () => {
    for (const count of [2, 3, 604]) {
      expect(count / marked(every(33.25, count, 7_000)).seconds).toBeCloseTo(1000 / 33.25, 6);
    }
  });

  it('excludes pauses and stretches of one frame', () => {
    const span = marked(every(100, 10, 0), [50_000], every(100, 10, 90_000));
    expect(20 / span.seconds).toBeGreaterThan(9);
    expect(20 / marked(every(100, 10, 0), every(100, 10, 90_000)).seconds).toBeCloseTo(10, 6);
  });

  it('is 0 while there is no rate yet', () => {
    expect(marked([]).seconds).toBe(0);
    expect(marked([5]).seconds).toBe(0);
    expect(marked([5], [900]).seconds).toBe(0);
  });
});
