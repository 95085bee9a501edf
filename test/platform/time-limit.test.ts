import { describe, expect, it } from 'vitest';
import { TIME_IS_UP, withTimeLimit } from '../../src/platform/time-limit.ts';
import { FakeClock, turns } from '../device/pipeline/fakes.ts';

describe('withTimeLimit', () => {
  it('returns the result of work that is done in time, and stops its timer', async () => {
    const clock = new FakeClock();
    await expect(withTimeLimit(Promise.resolve(7), 100, clock)).resolves.toBe(7);
    expect(clock.pendingTimers).toBe(0);
  });

  it('rejects as the work does, and stops its timer', async () => {
    const clock = new FakeClock();
    await expect(withTimeLimit(Promise.reject(new Error('no')), 100, clock)).rejects.toThrow('no');
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- some libraries do
    await expect(withTimeLimit(Promise.reject('text'), 100, clock)).rejects.toThrow('text');
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up when the time is up, and ignores what happens later', async () => {
    const clock = new FakeClock();
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<number>((_, reject) => (fail = reject));
    const limited = withTimeLimit(late, 100, clock);
    clock.advance(99);
    await turns();
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    await expect(limited).resolves.toBe(TIME_IS_UP);
    fail(new Error('late'));
    await turns();
  });
});
