import { describe, expect, it } from 'vitest';
import { endRun } from '../../../src/tools/run/end-run.ts';

/** Ends a run of two cameras whose steps are noted, of which one fails. */
async function end(failing: string): Promise<{ steps: string[]; error: unknown }> {
  const steps: string[] = [];
  const step = (name: string) => (): Promise<void> => {
    steps.push(name);
    return name === failing ? Promise.reject(new Error(name)) : Promise.resolve();
  };
  const error: unknown = await endRun({
    cameras: [{ stop: step('front') }, { stop: step('rear') }],
    pipeline: { deactivate: step('drain'), close: step('close') },
    runtime: { stop: step('parts') },
  }).catch((reason: unknown) => reason);
  return { steps, error };
}

describe('endRun', () => {
  it('stops parts after the last frame, and before the model goes', async () => {
    expect(await end('')).toEqual({
      steps: ['front', 'rear', 'drain', 'parts', 'close'],
      error: undefined,
    });
  });

  it.each(['front', 'drain', 'parts', 'close'])('takes every step although %s fails', async (name) => {
    const { steps, error } = await end(name);
    expect(steps).toEqual(['front', 'rear', 'drain', 'parts', 'close']);
    expect(error).toEqual(new Error(name));
  });
});
