import { describe, expect, it } from 'vitest';
import { diagnoseDrift } from '../../../src/ros/detector/diagnose-drift.ts';

const AT = '2026-01-01T00:00:00.000Z';
const status = { windowSeconds: 60, windows: 1, window: null, cameras: {} };
const known = {
  at: AT,
  share: 0.55,
  low: 0.4,
  high: 0.7,
  frames: 300,
  baseline: 'camera',
  reason: null,
} as const;

describe('diagnostics of estimated accuracy', () => {
  it('warn if the model sees worse, with the estimate', () => {
    const [one] = diagnoseDrift({ ...status, accuracy: { front: { ...known, state: 'worse' } } });
    expect(one).toEqual({
      name: 'estimated accuracy front',
      level: 'warn',
      message: 'the model sees worse: an estimated 55 % of its AP is kept (90 %: 40 % to 70 %)',
      values: { state: 'worse', frames: 300, share: 0.55, low: 0.4, high: 0.7 },
    });
  });

  it('say why there is none, which is nothing to warn of', () => {
    const none = {
      ...known,
      share: null,
      low: null,
      high: null,
      baseline: null,
      reason: 'the bundle has no fit',
    };
    const [one] = diagnoseDrift({ ...status, accuracy: { front: { ...none, state: 'unavailable' } } });
    expect(one).toMatchObject({ level: 'ok', values: { state: 'unavailable', frames: 300 } });
    expect(one?.message).toBe('estimated accuracy: unavailable (the bundle has no fit)');
  });

  it('have no entry before the first window', () => {
    expect(diagnoseDrift({ ...status, accuracy: {} })).toEqual([]);
  });

  it('warn if a reference was made with other settings than those that run', () => {
    const code = 'GOSHAWK_DRIFT_REFERENCE_SETTINGS';
    const [one] = diagnoseDrift({ ...status, verdicts: {}, uncompared: { code, reason: 'boxes are not' } });
    expect(one).toEqual({
      name: 'drift reference',
      level: 'warn',
      message: `${code}: boxes are not`,
      values: { code },
    });
  });
});
