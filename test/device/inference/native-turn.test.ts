import { describe, expect, it } from 'vitest';
import { NativeTurn } from '../../../src/device/inference/native-turn.ts';

/** Both sides of the shared number: the thread's and its owner's. */
function both() {
  const owner = new NativeTurn();
  return { owner, thread: new NativeTurn(owner.memory) };
}

describe('NativeTurn', () => {
  it('ends immediately if nothing is running, and then lets nothing start', async () => {
    const { owner, thread } = both();
    let worked = 0;
    await thread.during(() => Promise.resolve(void (worked += 1)));
    expect(owner.endWithin(0)).toBe(true);
    await thread.during(() => Promise.resolve(void (worked += 1)));
    expect(worked).toBe(1);
    expect(owner.endWithin(0)).toBe(true);
  });

  it('does not end while work is running, but does once it is done or has failed', async () => {
    const { owner, thread } = both();
    await expect(
      thread.during(() => {
        expect(owner.endWithin(0)).toBe(false);
        expect(owner.endWithin(5)).toBe(false);
        return Promise.reject(new Error('broken'));
      }),
    ).rejects.toThrow('broken');
    expect(owner.endWithin(0)).toBe(true);
  });
});
