import { describe, expect, it } from 'vitest';
import type { ReferenceCheck } from '../../../src/contract/engine-choice.ts';
import type { TrialResult } from '../../../src/device/inference/runner-messages.ts';
import type { ProviderCandidate } from '../../../src/device/inference/providers.ts';
import { rankVariants } from '../../../src/device/inference/rank-variants.ts';
import { candidate, UNCHECKED } from './fake-handles.ts';

const PASSED: ReferenceCheck = {
  verdict: 'passed',
  scores: 0.0001,
  boxes: 0.0001,
  tolerance: 0.2,
  inputs: 6,
  reason: 'the same',
};
const REFUSED: ReferenceCheck = { ...PASSED, verdict: 'refused', scores: 0.57, reason: 'something else' };

const result = (times: readonly number[], changes: Partial<TrialResult> = {}): TrialResult => ({
  check: PASSED,
  times,
  skipped: '',
  isLate: false,
  ...changes,
});

const order = (candidates: readonly ProviderCandidate[], results: readonly TrialResult[]): string[] =>
  rankVariants(candidates, results).order.map(
    ({ variant, exactInt8 }) => variant.id + (exactInt8 ? '!' : ''),
  );

describe('the order of tried variants', () => {
  it('is that of their median runs', () => {
    const candidates = [candidate('fp32'), candidate('int8')];
    const ranking = rankVariants(candidates, [result([8, 9, 8]), result([3, 2, 30])]);
    expect(ranking.order.map(({ variant }) => variant.id)).toEqual(['int8', 'fp32']);
    expect(ranking).toMatchObject({
      how: 'measured',
      why: 'int8 on cpu takes 3.00 ms, fp32 on cpu takes 8.00 ms',
    });
  });

  it('is the given one among those about equally fast', () => {
    expect(order([candidate('a'), candidate('b')], [result([10, 10, 10]), result([9.8, 9.8, 9.8])])).toEqual([
      'a',
      'b',
    ]);
  });

  it('leaves out what fails the reference check, however fast, and reports it last', () => {
    const candidates = [
      candidate('int8'),
      candidate('fp32'),
      candidate('int8', { exactInt8: true, onlyAfterRefusal: true }),
    ];
    const ranking = rankVariants(candidates, [result([], { check: REFUSED }), result([8]), result([20])]);
    expect(ranking.order.map(({ variant, exactInt8 }) => [variant.id, exactInt8])).toEqual([
      ['fp32', false],
      ['int8', true],
    ]);
    expect(ranking.order.every(({ onlyAfterRefusal }) => !onlyAfterRefusal)).toBe(true);
    expect(ranking.candidates.map(({ check }) => check.verdict)).toEqual(['passed', 'passed', 'refused']);
    expect(ranking.why).toContain('int8 on cpu was refused');
  });

  it('does not report exact kernels that were not needed', () => {
    const spare = candidate('int8', { exactInt8: true, onlyAfterRefusal: true });
    const ranking = rankVariants(
      [candidate('int8'), spare],
      [result([2]), result([], { check: null, skipped: 'not needed' })],
    );
    expect(ranking.candidates).toHaveLength(1);
  });

  it('puts what passed before what could not be checked, and what does not load last', () => {
    const candidates = [candidate('broken'), candidate('unchecked'), candidate('checked')];
    const results = [
      result([], { check: null, skipped: 'it does not run' }),
      result([1, 1, 1], { check: UNCHECKED }),
      result([9, 9, 9]),
    ];
    expect(order(candidates, results)).toEqual(['checked', 'unchecked', 'broken']);
  });
});

describe('the only variant left after all others were refused', () => {
  it('counts as measured, so it is not tried again at each start', () => {
    const ranking = rankVariants(
      [candidate('int8'), candidate('fp32')],
      [result([], { check: REFUSED }), result([])],
    );
    expect(ranking).toMatchObject({
      how: 'measured',
      why: 'fp32 on cpu is the only one left, int8 on cpu was refused',
    });
  });
});

describe('a machine that is too busy to measure', () => {
  const candidates = [candidate('first'), candidate('second')];

  it('is one whose median and best runs disagree', () => {
    const ranking = rankVariants(candidates, [result([3, 20, 30]), result([4, 4, 19])]);
    expect(ranking.how).toBe('busy');
    expect(ranking.order.map(({ variant }) => variant.id)).toEqual(['first', 'second']);
    expect(ranking.why).toMatch(/too busy to measure.*next start measures again/);
  });

  it('is one that had no time to load them all', () => {
    const late = result([], { check: null, skipped: 'there was no time to load it', isLate: true });
    expect(rankVariants(candidates, [result([3, 3, 3]), late])).toMatchObject({ how: 'busy' });
  });

  it('is not assumed if the same variant is ahead in both', () => {
    expect(rankVariants(candidates, [result([3, 5, 30]), result([9, 20, 90])]).how).toBe('measured');
  });
});
