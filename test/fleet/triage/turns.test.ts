import { describe, expect, it } from 'vitest';
import { GoshawkError } from '../../../src/contract/errors.ts';
import { refuseAsked } from '../../../src/fleet/api/refusal.ts';
import { Turns } from '../../../src/fleet/triage/turns.ts';

/** Work that ends when it is told to. */
function heldWork(name: string, begun: string[]) {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const work = async (): Promise<string> => {
    begun.push(name);
    await ended;
    return name;
  };
  return { work, end };
}

describe('turns', () => {
  it('let two run, two more wait, who comes first always wait, and refuse the next', async () => {
    const begun: string[] = [];
    const turns = new Turns(2, 2);
    const held = ['a', 'b', 'c', 'd', 'urgent'].map((name) => heldWork(name, begun));
    const answers = held.map(({ work }, at) => turns.take(work, at === 4));
    await expect(turns.take(() => Promise.resolve())).rejects.toMatchObject({ code: 'GOSHAWK_FLEET_BUSY' });
    expect(begun).toEqual(['a', 'b']);
    held[0]?.end();
    await answers[0];
    await expect.poll(() => begun).toEqual(['a', 'b', 'urgent']);
    for (const { end } of held) end();
    expect(await Promise.all(answers)).toEqual(['a', 'b', 'c', 'd', 'urgent']);
  });

  it('go on after work that fails', async () => {
    const turns = new Turns(1, 1);
    const failing = turns.take(() => Promise.reject(new Error('broken')));
    const next = turns.take(() => Promise.resolve('next'));
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('next');
  });
});

describe('a question that is refused while it is worked on', () => {
  it('is answered with what is wrong, and when to try again; other failures are thrown', () => {
    const busy = refuseAsked(new GoshawkError('GOSHAWK_FLEET_BUSY', { seconds: 5 }));
    expect(busy).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    const details = { name: 'until', value: '2020', reason: 'dropped' };
    expect(refuseAsked(new GoshawkError('GOSHAWK_PARAMETER_INVALID', details))).toMatchObject({
      status: 400,
    });
    expect(() => refuseAsked(new TypeError('broken'))).toThrow('broken');
  });
});
