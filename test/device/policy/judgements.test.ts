import { expect, it } from 'vitest';
import { judgementsOf } from '../../../src/device/policy/judgements.ts';

const numbers = { at: '2026-01-01T00:00:00.000Z', share: 0.55, low: 0.4, high: 0.7, frames: 300 } as const;
const known = { ...numbers, baseline: 'camera', reason: null } as const;

it('estimated accuracy is a verdict of its own, and none without an estimate', () => {
  const accuracy = {
    front: { ...known, state: 'worse' },
    rear: { ...known, state: 'as_expected' },
    left: { ...known, state: 'unavailable' },
  } as const;
  const judged = judgementsOf({ windowSeconds: 60, windows: 1, window: null, cameras: {}, accuracy });
  expect(judged).toEqual([
    { verdict: 'sees-worse', camera: 'front', state: 'drifted', cause: null, confidence: 1 },
    { verdict: 'sees-worse', camera: 'rear', state: 'ok', cause: null, confidence: 0 },
  ]);
});

it.each([
  ['ok', null, 'model_degraded'],
  ['drifted', 'fog', 'fog'],
  ['recovering', null, null],
] as const)(
  'an input that is %s, with the cause %s, makes %s the cause of seeing worse',
  (state, of, cause) => {
    const accuracy = { front: { ...known, state: 'worse' } } as const;
    const named = of === null ? null : { name: of, words: of, evidence: [] };
    const verdict = {
      at: numbers.at,
      state,
      evidence: 0,
      since: null,
      context: 'day',
      features: [],
      cause: named,
    };
    const drift = { windowSeconds: 60, windows: 1, window: null, cameras: {}, accuracy };
    const judged = judgementsOf({ ...drift, verdicts: { front: verdict } });
    expect(judged.find(({ verdict: kind }) => kind === 'sees-worse')?.cause).toBe(cause);
  },
);
