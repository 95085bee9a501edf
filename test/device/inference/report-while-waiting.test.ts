import { describe, expect, it } from 'vitest';
import { stillLoading, reportWhileWaiting } from '../../../src/device/inference/report-while-waiting.ts';
import { FakeClock } from '../pipeline/fakes.ts';

describe('reportWhileWaiting', () => {
  it('reports every ten seconds that it is waiting, and stops when the work is done', async () => {
    const clock = new FakeClock();
    const reported: number[] = [];
    let finish: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => (finish = resolve));
    const waiting = reportWhileWaiting(work, (seconds) => reported.push(seconds), clock);
    clock.advance(9_999);
    expect(reported).toEqual([]);
    clock.advance(25_001);
    expect(reported).toEqual([10, 20, 30]);
    finish('done');
    expect(await waiting).toBe('done');
    expect(clock.pendingTimers).toBe(0);
  });

  it('reports nothing about work that fails immediately, and passes the failure on', async () => {
    const clock = new FakeClock();
    const reported: number[] = [];
    const work = Promise.reject(new Error('no model'));
    await expect(reportWhileWaiting(work, (seconds) => reported.push(seconds), clock)).rejects.toThrow(
      'no model',
    );
    expect(clock.pendingTimers).toBe(0);
    expect(reported).toEqual([]);
  });
});

describe('stillLoading', () => {
  it('mentions TensorRT only if it may be loading', () => {
    const say = (preferred: string[], usable: string[]) =>
      stillLoading('street@1.0.0', 20, preferred, usable);
    expect(say(['cpu'], ['tensorrt', 'cpu'])).toBe('street@1.0.0 is still loading after 20 s');
    expect(say(['tensorrt', 'cpu'], ['cpu'])).toBe('street@1.0.0 is still loading after 20 s');
    expect(say(['tensorrt', 'cpu'], ['tensorrt', 'cpu'])).toMatch(/ after 20 s: TensorRT tries out/);
  });
});
