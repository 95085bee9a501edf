import { describe, expect, it } from 'vitest';
import { stillLoading, tellWhileWaiting } from '../../../src/device/service/tell-while-waiting.ts';
import { FakeClock } from '../pipeline/fakes.ts';

describe('tellWhileWaiting', () => {
  it('says every ten seconds that it waits, and stops when the work is done', async () => {
    const clock = new FakeClock();
    const said: number[] = [];
    let finish: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => (finish = resolve));
    const waiting = tellWhileWaiting(work, (seconds) => said.push(seconds), clock);
    clock.advance(9_999);
    expect(said).toEqual([]);
    clock.advance(25_001);
    expect(said).toEqual([10, 20, 30]);
    finish('done');
    expect(await waiting).toBe('done');
    expect(clock.pendingTimers).toBe(0);
  });

  it('says nothing about work that fails at once, and passes the failure on', async () => {
    const clock = new FakeClock();
    const said: number[] = [];
    const work = Promise.reject(new Error('no model'));
    await expect(tellWhileWaiting(work, (seconds) => said.push(seconds), clock)).rejects.toThrow('no model');
    expect(clock.pendingTimers).toBe(0);
    expect(said).toEqual([]);
  });
});

describe('stillLoading', () => {
  it('blames TensorRT only where it may be at work', () => {
    const say = (wish: string[], usable: string[]) => stillLoading('street@1.0.0', 20, wish, usable);
    expect(say(['cpu'], ['tensorrt', 'cpu'])).toBe('street@1.0.0 is still loading after 20 s');
    expect(say(['tensorrt', 'cpu'], ['cpu'])).toBe('street@1.0.0 is still loading after 20 s');
    expect(say(['tensorrt', 'cpu'], ['tensorrt', 'cpu'])).toMatch(/ after 20 s: TensorRT tries out/);
  });
});
