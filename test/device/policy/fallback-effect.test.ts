import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FallbackEffect } from '../../../src/device/policy/fallback-effect.ts';
import { turns } from '../pipeline/fakes.ts';

const wish = (bundle: string) => ({ rule: `rule-${bundle}`, value: { bundle, retry_s: 600 } });

describe('FallbackEffect', () => {
  let loading: { bundle: string | null; done: (outcome?: Error | 'later') => void }[] = [];
  let troubles: string[] = [];
  let effect: FallbackEffect;
  const swap = (bundle: string | null): Promise<boolean> =>
    new Promise((resolve, reject) =>
      loading.push({
        bundle,
        done: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome !== 'later')),
      }),
    );
  const asked = (): (string | null)[] => loading.map(({ bundle }) => bundle);

  beforeEach(() => {
    [loading, troubles] = [[], []];
    effect = new FallbackEffect(
      (rule, action, reason) => void troubles.push(`${rule} ${action}: ${String(reason)}`),
    );
  });
  afterEach(() => void vi.useRealTimers());

  it('loads a bundle once, and returns to the configured one', async () => {
    effect.update(wish('b'), swap);
    effect.update(wish('b'), swap);
    loading[0]?.done();
    await turns();
    effect.update(wish('b'), swap);
    effect.update(null, swap);
    loading[1]?.done();
    await turns();
    effect.update(null, swap);
    expect(asked()).toEqual(['b', null]);
  });

  it('loads one at a time, then the one that is wanted by then', async () => {
    effect.update(wish('b'), swap);
    effect.update(wish('c'), swap);
    effect.update(null, swap);
    effect.update(wish('d'), swap);
    expect(asked()).toEqual(['b']);
    loading[0]?.done();
    await turns();
    expect(asked()).toEqual(['b', 'd']);
  });

  it('reports a bundle that cannot be loaded, and does not try it again until it is asked for anew', async () => {
    effect.update(wish('b'), swap);
    loading[0]?.done(new Error('no bundle b'));
    await turns();
    effect.update(wish('b'), swap);
    expect([asked(), troubles]).toEqual([['b'], ['rule-b fallback: no bundle b']]);
    effect.update(null, swap);
    effect.update(wish('b'), swap);
    expect(asked()).toEqual(['b', 'b']);
  });

  it('tries again to return to the configured bundle', async () => {
    effect.update(wish('b'), swap);
    loading[0]?.done();
    await turns();
    vi.useFakeTimers();
    effect.update(null, swap);
    loading[1]?.done(new Error('out of memory'));
    await vi.advanceTimersByTimeAsync(59_000);
    expect(asked()).toEqual(['b', null]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked()).toEqual(['b', null, null]);
    expect(troubles).toEqual(['rule-b fallback: null', ' return to the configured bundle: out of memory']);
  });

  it('tries a bundle that could not be loaded again while it is asked for, whatever else changes', async () => {
    vi.useFakeTimers();
    effect.update(wish('b'), swap);
    loading[0]?.done(new Error('out of memory'));
    await vi.advanceTimersByTimeAsync(30_000);
    effect.update(wish('b'), swap);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked()).toEqual(['b', 'b']);
    loading[1]?.done();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked()).toEqual(['b', 'b']);
  });

  it('neither refuses nor reports a bundle that cannot be loaded now, and tries it with the next change', async () => {
    effect.update(wish('b'), swap);
    loading[0]?.done('later');
    await turns();
    effect.update(wish('b'), swap);
    expect([asked(), troubles]).toEqual([['b', 'b'], []]);
  });

  it('forgets what a session ran when another one begins', async () => {
    effect.update(wish('b'), swap);
    effect.renew();
    effect.update(wish('b'), swap);
    loading[0]?.done(new Error('the session is gone'));
    await turns();
    expect([asked(), troubles]).toEqual([['b', 'b'], []]);
  });

  it('gives up a bundle that cannot be loaded after five tries, each after twice the time, and says so', async () => {
    vi.useFakeTimers();
    effect.update(wish('b'), swap);
    for (let i = 0; i < 5; i += 1) {
      loading[i]?.done(new Error('refused'));
      await vi.advanceTimersByTimeAsync(60_000 * 2 ** i - 1);
      expect(asked()).toHaveLength(i + 1);
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(asked()).toEqual(['b', 'b', 'b', 'b', 'b']);
    const over = 'rule-b fallback: refused; given up after 5 tries: the configured bundle runs';
    expect(troubles.at(-1)).toBe(over);
    effect.update(null, swap);
    troubles = [];
    effect.update(wish('b'), swap);
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect([asked().length, troubles]).toEqual([5, [over]]);
    effect.forgive();
    effect.update(wish('b'), swap);
    expect(asked()).toHaveLength(6);
  });

  it('takes back a bundle whose engine dies again and again, and stays with the configured one', async () => {
    vi.useFakeTimers();
    effect.update(wish('b'), swap);
    let lost = 1;
    for (let i = 0; i < 5; i += 1) {
      loading[2 * i]?.done();
      await vi.advanceTimersByTimeAsync(0);
      effect.watch({ lost, isDown: false }, 0);
      effect.watch({ lost: (lost += 2), isDown: false }, 1000);
      expect(asked()).toHaveLength(2 * i + 1);
      effect.watch({ lost: (lost += 1), isDown: false }, 2000);
      expect(asked().at(-1)).toBeNull();
      loading[2 * i + 1]?.done();
      await vi.advanceTimersByTimeAsync(60_000 * 2 ** i);
    }
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(asked()).toEqual(['b', null, 'b', null, 'b', null, 'b', null, 'b', null]);
    expect(troubles).toContain(
      'rule-b fallback: its engine was lost 3 times; given up after 5 tries: the configured bundle runs',
    );
  });

  it('takes back a bundle whose engine does not come back, and leaves it while it may', async () => {
    effect.update(wish('b'), swap);
    loading[0]?.done();
    await turns();
    const down = { lost: 1, isDown: true };
    for (const [nowMs, losses] of [
      [0, down],
      [29_000, down],
      [30_000, { lost: 1, isDown: false }],
      [31_000, down],
      [60_999, down],
    ] as const)
      effect.watch(losses, nowMs);
    expect(asked()).toEqual(['b']);
    effect.watch(down, 61_000);
    expect(asked()).toEqual(['b', null]);
    expect(troubles).toContain('rule-b fallback: its engine was lost and does not come back');
  });

  it('leaves a bundle alone that loses a runner now and then', async () => {
    effect.update(wish('b'), swap);
    loading[0]?.done();
    await turns();
    for (let i = 0; i < 20; i += 1) effect.watch({ lost: i, isDown: false }, i * 400_000);
    expect(asked()).toEqual(['b']);
  });

  it('loads nothing while there is no session', () => {
    effect.update(wish('b'), null);
    expect(asked()).toEqual([]);
  });
});
