import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrackClock } from '../../../src/device/pipeline/track-clock.ts';

describe('TrackClock', () => {
  const frame = (ms: number, receivedAt: number) => ({
    stamp: { sec: 100 + Math.floor(ms / 1000), nanosec: (ms % 1000) * 1_000_000 },
    receivedAt,
  });

  it('follows stamps while they increase, and arrival if they repeat, step back, leap or are not set', () => {
    const clock = new TrackClock();
    const unset = { stamp: { sec: 0, nanosec: 0 }, receivedAt: 400 };
    const frames = [
      ...[frame(0, 0), frame(500, 33), frame(500, 66), frame(100, 99), frame(200, 132), frame(900_000, 165)],
      ...[unset, frame(900_100, 500)],
    ];
    const seconds = frames.map((one) => clock.next(one));
    const expected = [0, 0.5, 0.533, 0.566, 0.666, 0.699, 0.934, 1.034];
    seconds.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 9));
  });

  it('law: it never steps back', () => {
    const any = fc.record({
      stamp: fc.record({
        sec: fc.integer({ min: -1, max: 5 }),
        nanosec: fc.integer({ min: 0, max: 999_999_999 }),
      }),
      receivedAt: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(any), (frames) => {
        const clock = new TrackClock();
        let last = 0;
        for (const one of frames) {
          const seconds = clock.next(one);
          expect(seconds).toBeGreaterThanOrEqual(last);
          last = seconds;
        }
      }),
    );
  });
});
