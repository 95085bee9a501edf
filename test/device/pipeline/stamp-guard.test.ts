import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Stamp } from '../../../src/core/frame.ts';
import { isUnset, StampGuard } from '../../../src/device/pipeline/stamp-guard.ts';

const NOW = 1_700_000_000;
const OFF = { staleMs: 0, futureMs: 0 };

/** A stamp `ms` after NOW. */
function at(ms: number): Stamp {
  const sec = NOW + Math.floor(ms / 1000);
  return { sec, nanosec: (ms - Math.floor(ms / 1000) * 1000) * 1_000_000 };
}

function judgeAll(guard: StampGuard, stamps: readonly Stamp[]): (string | null)[] {
  return stamps.map((stamp) => guard.judge(stamp, NOW * 1000, 0));
}

describe('StampGuard', () => {
  it('accepts increasing stamps, even a nanosecond apart', () => {
    const guard = new StampGuard(OFF);
    const stamps = [at(0), { sec: NOW, nanosec: 1 }, { sec: NOW, nanosec: 2 }, at(33), at(10_000)];
    expect(judgeAll(guard, stamps)).toEqual([null, null, null, null, null]);
    expect(guard.clockResets).toBe(0);
  });

  it('refuses repeated stamps and small steps back', () => {
    const guard = new StampGuard(OFF);
    expect(judgeAll(guard, [at(5000), at(5000), at(4999), at(4001), at(5001)])).toEqual([
      null,
      'stamp_repeated',
      'stamp_regressed',
      'stamp_regressed',
      null,
    ]);
  });

  it('accepts a recording that starts over from its third frame on', () => {
    const guard = new StampGuard(OFF);
    const loop = [at(60_000), at(0), at(33), at(66), at(99)];
    expect(judgeAll(guard, loop)).toEqual([null, 'stamp_regressed', 'stamp_regressed', null, null]);
    expect(guard.clockResets).toBe(1);
    // and again on the next round
    expect(judgeAll(guard, [at(60_000), ...loop.slice(1)])).toEqual([
      null,
      'stamp_regressed',
      'stamp_regressed',
      null,
      null,
    ]);
    expect(guard.clockResets).toBe(2);
  });

  it('does not take repeated or decreasing stamps for a new timeline', () => {
    const guard = new StampGuard(OFF);
    const stamps = [at(60_000), at(100), at(100), at(90), at(80), at(81), at(82)];
    expect(judgeAll(guard, stamps)).toEqual([
      null,
      'stamp_regressed',
      'stamp_repeated',
      'stamp_regressed',
      'stamp_regressed',
      'stamp_regressed',
      null,
    ]);
    expect(guard.clockResets).toBe(1);
  });

  it('follows one of two publishers with interleaved stamps', () => {
    const guard = new StampGuard(OFF);
    for (let i = 0; i < 50; i++) {
      expect(guard.judge(at(100_000 + i * 33), 0, 33 * i)).toBeNull();
      expect(guard.judge(at(i * 33), 0, 33 * i)).toBe('stamp_regressed');
    }
    expect(guard.clockResets).toBe(0);
  });

  it('refuses a single stamp far ahead, but none of those after it', () => {
    const guard = new StampGuard(OFF);
    expect(judgeAll(guard, [at(0), at(1e9), at(33), at(2e9), at(66)])).toEqual([
      null,
      'stamp_future',
      null,
      'stamp_future',
      null,
    ]);
    expect(guard.clockResets).toBe(0);
  });

  it('follows a clock that was set ahead from its third frame on', () => {
    const guard = new StampGuard(OFF);
    const stamps = [at(0), at(3_600_000), at(3_600_033), at(3_600_066), at(3_600_099)];
    expect(judgeAll(guard, stamps)).toEqual([null, 'stamp_future', 'stamp_future', null, null]);
    expect(guard.clockResets).toBe(1);
  });

  it('accepts the next frame of a camera that was silent for long, and a recording that is played fast', () => {
    const guard = new StampGuard(OFF);
    expect(guard.judge(at(0), 0, 0)).toBeNull();
    expect(guard.judge(at(3_600_000), 0, 3_600_500)).toBeNull();
    for (let i = 1; i <= 10; i++)
      expect(guard.judge(at(3_600_000 + i * 30_000), 0, 3_600_500 + i)).toBeNull();
  });

  it('compares stamps with the clock if limits are set, and forgets refused ones', () => {
    const guard = new StampGuard({ staleMs: 500, futureMs: 100 });
    expect(judgeAll(guard, [at(-501), at(101), at(-500), at(100)])).toEqual([
      'stamp_stale',
      'stamp_future',
      null,
      null,
    ]);
  });

  it('passes frames of drivers that set no stamp', () => {
    const guard = new StampGuard({ staleMs: 500, futureMs: 100 });
    const unset = { sec: 0, nanosec: 0 };
    expect(isUnset(unset)).toBe(true);
    expect(isUnset({ sec: 0, nanosec: 1 })).toBe(false);
    expect(judgeAll(guard, [unset, unset, at(0), unset])).toEqual([null, null, null, null]);
  });

  it('law: the accepted stamps of a timeline increase, whatever the input', () => {
    const near = fc.integer({ min: 0, max: 8000 });
    const far = fc.integer({ min: 0, max: 4 }).map((jump) => jump * 100_000);
    const stamps = fc.array(
      fc.tuple(near, far).map(([ms, jump]) => at(ms + jump)),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(stamps, (sequence) => {
        const guard = new StampGuard(OFF);
        let last = -Infinity;
        let resets = 0;
        for (const stamp of sequence) {
          const isAccepted = guard.judge(stamp, 0, 0) === null;
          if (guard.clockResets > resets) last = -Infinity;
          resets = guard.clockResets;
          const time = stamp.sec + stamp.nanosec * 1e-9;
          if (isAccepted) {
            expect(time).toBeGreaterThan(last);
            last = time;
          }
        }
      }),
    );
  });
});

describe('repeated stamps', () => {
  const HOUR = 3_600_000;
  const judge = (guard: StampGuard, stamps: readonly Stamp[], wallMs: number): (string | null)[] =>
    stamps.map((stamp, i) => guard.judge(stamp, wallMs, i * 33));
  const times = <T>(count: number, values: readonly T[]): T[] =>
    Array.from({ length: count }, () => values).flat();
  const short = [0, 33, 66, 99, 132, 165].map(at);

  it('are accepted in order of arrival if requested', () => {
    const guard = new StampGuard({ ...OFF, repeated: 'accept' });
    const stamps = [...times(20, [at(0)]), ...times(5, short), at(60_000), at(0), at(0)];
    expect(judge(guard, stamps, NOW * 1000).filter((reason) => reason !== null)).toEqual([]);
    expect(guard.clockResets).toBe(1);
  });

  it('are accepted automatically while time is simulated', () => {
    let simulated = true;
    const guard = new StampGuard({ ...OFF, repeated: 'auto', isTimeSimulated: () => simulated });
    const slowClock = [0, 100, 200, 300].flatMap((ms) => times(3, [at(ms)]));
    expect(judge(guard, slowClock, NOW * 1000)).toEqual(slowClock.map(() => null));
    simulated = false;
    expect(judge(guard, [at(300), at(400), at(400)], NOW * 1000)).toEqual([
      'stamp_repeated',
      null,
      'stamp_repeated',
    ]);
  });

  it('are accepted automatically from a recording, whose stamps were never those of the local clock', () => {
    for (const stamps of [
      times(20, [at(-HOUR)]),
      times(
        7,
        short.map(({ sec, nanosec }) => ({ sec: sec - 3600, nanosec })),
      ),
    ]) {
      const guard = new StampGuard({ ...OFF, repeated: 'auto' });
      expect(judge(guard, stamps, NOW * 1000)).toEqual(stamps.map(() => null));
    }
  });

  it('are refused from a driver that hangs, for however long', () => {
    const guard = new StampGuard({ ...OFF, repeated: 'auto' });
    expect(guard.judge(at(0), NOW * 1000, 0)).toBeNull();
    for (const age of [33, 10_000, 59_000, 61_000, HOUR]) {
      expect(guard.judge(at(0), NOW * 1000 + age, age)).toBe('stamp_repeated');
    }
  });

  it('are accepted from a source that loops, from its second frame on', () => {
    const guard = new StampGuard({ ...OFF, repeated: 'auto' });
    const judged = judge(guard, times(7, short), NOW * 1000);
    expect(judged.map((reason) => reason ?? 'ok')).toEqual([
      ...times(6, ['ok']),
      'stamp_regressed',
      ...times(35, ['ok']),
    ]);
    // and no longer once it goes on with new ones
    expect(judge(guard, [at(1000), at(1000)], NOW * 1000)).toEqual([null, 'stamp_repeated']);
  });

  it('are refused if a network delivers a frame twice, or late', () => {
    const guard = new StampGuard({ ...OFF, repeated: 'auto' });
    const stamps = [at(0), at(33), at(33), at(66), at(0), at(99), at(33), at(132)];
    expect(judge(guard, stamps, NOW * 1000)).toEqual([
      null,
      null,
      'stamp_repeated',
      null,
      'stamp_regressed',
      null,
      'stamp_regressed',
      null,
    ]);
  });
});
