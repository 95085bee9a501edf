import { describe, expect, it } from 'vitest';
import type { Status } from '../../../src/contract/status.ts';
import { ABSENT, BLOCK, BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { CaptureRules } from '../../../src/device/capture/capture-rules.ts';
import { oneBox } from './captured.ts';

type Verdict = NonNullable<NonNullable<Status['drift']>['verdicts']>[string];

const verdict = (state: Verdict['state']): Record<string, Verdict> => ({
  front: {
    at: '2026-01-01T00:00:00.000Z',
    state,
    evidence: 1,
    since: null,
    context: 'day',
    features: [],
    cause: null,
  },
});

describe('rules', () => {
  it('ask for a clip of a rare class that stays for three frames, once in ten minutes', () => {
    const rules = new CaptureRules({ lowConfidence: 0, disagreement: 0, rareClasses: ['car'] }, [
      'person',
      'car',
    ]);
    const look = (label: number, ms: number) => rules.look('front', oneBox(0.9, label), null, ms);
    expect([look(1, 0), look(0, 1), look(1, 2), look(1, 3)]).toEqual([null, null, null, null]);
    expect(look(1, 4)).toEqual({ reason: 'rare_class', camera: 'front', text: 'car in 3 frames in a row' });
    expect(look(1, 5)).toBeNull();
    expect(look(1, 600_004)).not.toBeNull();
  });

  it('ask for a clip when scores are low over five seconds, and not for a few boxes', () => {
    const rules = new CaptureRules({ lowConfidence: 0.5, disagreement: 0, rareClasses: [] }, [
      'person',
      'car',
    ]);
    const run = (score: number, frames: number, from: number) =>
      Array.from({ length: frames }, (_, i) =>
        rules.look('front', oneBox(score), null, from + i * 100),
      ).filter((wanted) => wanted !== null);
    expect(run(0.9, 60, 0)).toEqual([]);
    expect(run(0.3, 120, 6_000)).toEqual([expect.objectContaining({ reason: 'low_confidence' })]);
    const few = new CaptureRules({ lowConfidence: 0.5, disagreement: 0, rareClasses: [] }, ['person', 'car']);
    expect([0, 3000, 6000].map((ms) => few.look('front', oneBox(0.1), null, ms))).toEqual([null, null, null]);
  });

  it('ask for a clip when boxes that overlap agree little over five seconds, as far as they were measured', () => {
    const rules = new CaptureRules({ lowConfidence: 0, disagreement: 0.8, rareClasses: [] }, [
      'person',
      'car',
    ]);
    const block = (kept: number, reliable: number): Float32Array => {
      const statistics = new Float32Array(BLOCK_FLOATS);
      statistics[BLOCK.kept] = kept;
      statistics[BLOCK.reliable] = reliable;
      statistics[BLOCK.overlapping] = 1;
      return statistics;
    };
    const run = (statistics: Float32Array | null, from: number) =>
      Array.from({ length: 31 }, (_, i) => rules.look('front', oneBox(), statistics, from + i * 200)).filter(
        (wanted) => wanted !== null,
      );
    expect(run(block(2, 0.9), 0)).toEqual([]);
    expect(run(null, 10_000)).toEqual([]);
    expect(run(block(0.1, 0.5), 20_000)).toEqual([]);
    expect(run(new Float32Array(BLOCK_FLOATS).fill(ABSENT), 30_000)).toEqual([]);
    expect(run(block(2, 0.5), 40_000)).toEqual([
      {
        reason: 'disagreement',
        camera: 'front',
        text: expect.stringMatching(/^reliability of suppression 0\.5\d over 5 s, below 0\.8$/) as string,
      },
    ]);
  });

  it('ask for a clip when drift is detected, and when it is over', () => {
    const rules = new CaptureRules({ lowConfidence: 0, disagreement: 0, rareClasses: [] }, []);
    const states = ['ok', 'suspect', 'ok', 'drifted', 'drifted', 'recovering', 'ok'] as const;
    const asked = states.map((state, i) => rules.lookAtDrift({ verdicts: verdict(state) }, i * 1000).length);
    expect(asked).toEqual([0, 0, 0, 1, 0, 1, 0]);
  });

  it('ask for another clip when drift is found again after a time without a verdict', () => {
    const rules = new CaptureRules({ lowConfidence: 0, disagreement: 0, rareClasses: [] }, []);
    const looks = [{ verdicts: verdict('drifted') }, {}, { verdicts: verdict('drifted') }, { verdicts: {} }];
    const asked = [...looks, looks[0]!].map((drift, i) => rules.lookAtDrift(drift, i * 1000).length);
    expect(asked).toEqual([1, 0, 1, 0, 1]);
  });
});
