import { describe, expect, it } from 'vitest';
import { choose, takenOf, withFinals } from '../../../src/tools/optimize/finish.ts';
import { describeOutcome, judge } from '../../../src/tools/optimize/verdicts.ts';
import { accuracyOf, finalist, ranked, type Facts } from './candidates.ts';

const FLOOR = 0.01;

interface Row extends Facts {
  /** loss on the choice part and on the final part; by default as in the search */
  readonly trial?: number;
  readonly final?: number;
}

function decide(rows: Record<string, Row>, maxLatencyMs: number | null = null) {
  const all: Record<string, Row> = { original: {}, clean: { ratio: 0.99 }, ...rows };
  const finalists = Object.entries(all).map(([id, row]) => finalist(id, row, FLOOR, row.trial));
  const choice = withFinals(choose(finalists, { maxApDrop: FLOOR, maxLatencyMs }), ({ candidate }) => {
    const { final, drop } = all[candidate.plan.id]!;
    return accuracyOf(final ?? drop ?? 0);
  });
  const id = (entry: (typeof finalists)[number] | null) => entry?.candidate.plan.id ?? null;
  const { fastest, smallest, float, tensorrt } = choice;
  return { choice, ids: [fastest, smallest, float, tensorrt].map(id) };
}

describe('choose', () => {
  it('chooses the fastest, the smallest, the float graph and the one for TensorRT', () => {
    const { ids } = decide({
      fast: { ratio: 0.5, bytes: 500, drop: 0.004, agreement: 0.9 },
      small: { ratio: 0.9, bytes: 300, drop: 0.002, agreement: 0.9 },
      'int8-tensorrt': { ratio: 3, bytes: 300, drop: 0.002, agreement: 0.9 },
    });
    expect(ids).toEqual(['fast', 'small', 'clean', 'int8-tensorrt']);
  });

  it('falls back to the next if the choice part contradicts the search, and reports it', () => {
    const { choice, ids } = decide({
      lucky: { ratio: 0.4, bytes: 500, drop: 0, agreement: 0.9, trial: 0.02 },
      honest: { ratio: 0.6, bytes: 500, drop: 0.004, agreement: 0.9 },
    });
    expect(ids).toEqual(['honest', null, 'clean', null]);
    expect(describeOutcome(choice, FLOOR, []).text).toMatch(/choice part contradicts the search: lucky/);
    const lucky = choice.finalists.find(({ candidate }) => candidate.plan.id === 'lucky')!;
    expect(judge(lucky, choice, FLOOR)).toEqual({
      verdict: 'refused',
      reason: 'it lost 2.00 points on the choice part, which the search did not use',
    });
  });

  it('keeps the float graph first if nothing is clearly faster', () => {
    const { choice, ids } = decide({
      same: { ratio: 0.985, spread: 0.03, bytes: 300, drop: 0.001, agreement: 0.95 },
    });
    expect(ids).toEqual(['clean', 'same', null, null]);
    expect(describeOutcome(choice, FLOOR, [])).toEqual({
      gained: true,
      text: expect.stringMatching(
        /^Nothing within the floor.*same takes 30 % of the bytes and is not slower/,
      ) as string,
    });
  });

  it('returns the source if cleaning made it slower, and reports that nothing was gained', () => {
    const { choice, ids } = decide({ clean: { ratio: 1.1 } });
    expect(ids).toEqual(['original', null, null, null]);
    expect(describeOutcome(choice, FLOOR, []).gained).toBe(false);
  });

  it('chooses the most accurate variant that meets a latency, and reports if none does', () => {
    const rows = {
      fastest: { ratio: 0.4, drop: 0.009, agreement: 0.9 },
      fast: { ratio: 0.6, drop: 0.003, agreement: 0.9 },
      slow: { ratio: 0.9, drop: 0.001, agreement: 0.9 },
    };
    expect(decide(rows, 7).ids[0]).toBe('fast');
    expect(decide(rows, 7).choice.meetsLatency).toBe(true);
    const missed = decide(rows, 3);
    expect(missed.ids[0]).toBe('fastest');
    expect(missed.choice.meetsLatency).toBe(false);
  });
});

describe('the final part', () => {
  it('plays no role in choosing: a variant that loses too much there stays, and that is reported', () => {
    const { choice, ids } = decide({
      unlucky: { ratio: 0.4, bytes: 500, drop: 0, agreement: 0.9, final: 0.024 },
      slower: { ratio: 0.6, bytes: 500, drop: 0.004, agreement: 0.9 },
    });
    expect(ids[0]).toBe('unlucky');
    const { text } = describeOutcome(choice, FLOOR, []);
    expect(text).toContain('on images not used for choosing it loses 2.40 points');
    expect(text).toMatch(/more is lost than the floor of 1\.00 points allows: unlucky \(2\.40 points\)/);
  });
});

describe('a search that ran out of time', () => {
  const left = Array.from({ length: 11 }, (_, i) => `int8-${i}`);

  it('does not claim that nothing is faster, and names what was not tried', () => {
    const { choice } = decide({});
    const all = describeOutcome(choice, FLOOR, []).text;
    expect(all).toMatch(/^Nothing within the floor/);
    expect(all).not.toContain('tried');
    expect(describeOutcome(choice, FLOOR, left).text).toMatch(
      /^Nothing that was tried within the floor.*before 11 candidates were tried \(int8-0, int8-1, int8-2, \.\.\.\)/,
    );
  });

  it('reports it along with its findings', () => {
    const { choice } = decide({ fast: { ratio: 0.5, bytes: 500, drop: 0.004, agreement: 0.9 } });
    expect(describeOutcome(choice, FLOOR, left.slice(0, 1)).text).toMatch(
      /^fast is 2\.00 times as fast.*before 1 candidate was tried \(int8-0\)/,
    );
  });
});

describe('8 bits for every CPU', () => {
  const exact = { ratio: 0.5, bytes: 500, drop: 0.002, agreement: 0.95 };

  it('are an additional variant if the fastest needs exact sums', () => {
    const { choice, ids } = decide({
      fast: exact,
      'slow-unsaturated': { ...exact, ratio: 0.7 },
      'fast-unsaturated': { ...exact, ratio: 0.52, drop: 0.004 },
    });
    expect(ids.slice(0, 2)).toEqual(['fast', null]);
    expect(choice.portable?.candidate.plan.id).toBe('fast-unsaturated');
    expect(describeOutcome(choice, FLOOR, []).text).toContain(
      'It needs exact 8-bit sums (VNNI, ARM); fast-unsaturated computes the same on every CPU, ' +
        '1.92 times as fast here, and loses 0.40 points.',
    );
    expect(judge(choice.portable!, choice, FLOOR)).toEqual({
      verdict: 'kept',
      reason: 'the fastest that computes the same on every CPU',
    });
  });

  it('need no second variant if the fastest is one of them', () => {
    const { choice } = decide({ 'fast-unsaturated': exact, other: { ...exact, ratio: 0.6 } });
    expect(choice.fastest.candidate.plan.id).toBe('fast-unsaturated');
    expect(choice.portable).toBeNull();
    expect(describeOutcome(choice, FLOOR, []).text).toContain('Its 8-bit sums saturate on no CPU.');
  });

  it('are reported as missing if none is within the floor', () => {
    const { choice } = decide({ fast: exact, 'bad-unsaturated': { ...exact, drop: 0.03 } });
    expect(choice.portable).toBeNull();
    expect(describeOutcome(choice, FLOOR, []).text).toContain(
      'no variant that computes the same on every CPU was found',
    );
  });
});

describe('8 bits for CPUs with exact sums, chosen on one that saturates', () => {
  const here = { ratio: 0.5, bytes: 500, drop: 0.004, agreement: 0.95 };
  const elsewhere = { bytes: 490, drop: 0.002, agreement: 0.96, untimed: true };

  it('are an additional variant if they lose less, the most accurate of them, whatever their size', () => {
    const { choice, ids } = decide({
      'fast-unsaturated': here,
      worse: { ...elsewhere, drop: 0.003 },
      better: { ...elsewhere, bytes: 100 },
    });
    expect(ids).toEqual(['fast-unsaturated', null, 'clean', null]);
    expect(choice.exact?.candidate.plan.id).toBe('better');
    expect(takenOf(choice).map(({ candidate }) => candidate.plan.id)).toContain('better');
    expect(describeOutcome(choice, FLOOR, []).text).toContain(
      'better is for CPUs with exact 8-bit sums (VNNI, ARM), where it loses 0.20 points, evaluated here with ' +
        'exact kernels; its speed there was not measured.',
    );
    expect(judge(choice.exact!, choice, FLOOR)).toMatchObject({ verdict: 'kept' });
    expect(judge(ranked('worse', { ...elsewhere, drop: 0.003 }), choice, FLOOR)).toEqual({
      verdict: 'accepted',
      reason: 'not timed: it needs exact 8-bit sums, and this CPU saturates',
    });
  });

  it('are left out if they lose as much, or more than the floor, or the choice part contradicts them', () => {
    for (const row of [
      { ...elsewhere, drop: 0.004 },
      { ...elsewhere, drop: 0.03 },
      { ...elsewhere, trial: 0.03 },
    ]) {
      expect(decide({ 'fast-unsaturated': here, other: row }).choice.exact).toBeNull();
    }
  });

  it('are kept beside a float graph, because they may be faster than it elsewhere', () => {
    const { choice, ids } = decide({ other: elsewhere });
    expect(ids[0]).toBe('clean');
    expect(choice.exact?.candidate.plan.id).toBe('other');
    expect(describeOutcome(choice, FLOOR, []).text).toContain('other is for CPUs with exact 8-bit sums');
  });

  it('are no variant for TensorRT, which has its own', () => {
    const { choice } = decide({ 'fast-unsaturated': here, 'int8-tensorrt': elsewhere });
    expect(choice.exact).toBeNull();
    expect(choice.tensorrt?.candidate.plan.id).toBe('int8-tensorrt');
  });
});

describe('judge', () => {
  const { choice } = decide({ fast: { ratio: 0.5, bytes: 500, drop: 0.004, agreement: 0.9 } });

  it.each([
    ['fast', {}, 'chosen', /fastest on this machine/],
    ['clean', {}, 'kept', /float variant/],
    ['a', { failure: 'no kernel' }, 'failed', /no kernel/],
    ['b', { drop: 0.05, agreement: 0.6 }, 'refused', /over the floor of 1\.00 points: 5\.00 points expected/],
    ['c', { ratio: 1.3, agreement: 0.9 }, 'refused', /slower than the original.*1\.30 times the latency/],
    [
      'slow',
      { ratio: 4, hopeless: true },
      'refused',
      /4\.00 times the latency; its accuracy was not measured/,
    ],
    ['d', { ratio: 1, agreement: 0.9 }, 'refused', /gains nothing/],
    ['e', { ratio: 0.7, agreement: 0.9 }, 'accepted', /another is faster or smaller/],
    ['int8-tensorrt', { ratio: 3, agreement: 0.9 }, 'accepted', /TensorRT/],
  ] as const)('says of %s what became of it', (id, facts, verdict, reason) => {
    const judged = judge(ranked(id, facts), choice, FLOOR);
    expect(judged.verdict).toBe(verdict);
    expect(judged.reason).toMatch(reason);
  });
});
