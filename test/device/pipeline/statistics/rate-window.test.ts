import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateWindow } from '../../../../src/device/pipeline/statistics/rate-window.ts';

describe('RateWindow', () => {
  it('is 0 before the first event', () => {
    expect(new RateWindow(5).rate(1234)).toBe(0);
  });

  it('law: reads the rate of a steady camera at any moment, to within a frame or two of the window', () => {
    const world = fc.record({
      fps: fc.double({ min: 1, max: 120, noNaN: true }),
      start: fc.double({ min: 0, max: 1e7, noNaN: true }),
      seconds: fc.double({ min: 6, max: 30, noNaN: true }),
    });
    fc.assert(
      fc.property(world, ({ fps, start, seconds }) => {
        const window = new RateWindow(5);
        let now = start;
        for (let i = 0; i < fps * seconds; i++) {
          now = start + (i * 1000) / fps;
          window.mark(now);
        }
        expect(Math.abs(window.rate(now) - fps)).toBeLessThanOrEqual(2 / 4.75);
      }),
    );
  });

  it('counts over the time since the first event while that is short', () => {
    const window = new RateWindow(5);
    for (let i = 0; i <= 30; i++) window.mark(7000 + (i * 1000) / 30);
    expect(window.rate(8000)).toBeCloseTo(31, 5);
  });

  it('falls to 0 when events stop, and forgets them after a long silence', () => {
    const window = new RateWindow(5);
    for (let i = 0; i < 300; i++) window.mark(i * 33);
    expect(window.rate(300 * 33 + 2500)).toBeCloseTo(15, 0);
    expect(window.rate(300 * 33 + 5000)).toBe(0);
    window.mark(1e6);
    expect(window.rate(1e6)).toBeLessThan(0.3);
  });
});
