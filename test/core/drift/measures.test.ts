import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chiSquared } from '../../../src/core/drift/measures/chi-squared.ts';
import { jensenShannon, populationStability } from '../../../src/core/drift/measures/divergence.ts';
import { IsolationForest, type IsolationTree } from '../../../src/core/drift/measures/isolation-forest.ts';
import { kolmogorovSmirnov } from '../../../src/core/drift/measures/kolmogorov-smirnov.ts';
import { poissonInterval } from '../../../src/core/drift/measures/poisson.ts';
import { studentTails } from '../../../src/core/drift/measures/student.ts';
import { wasserstein } from '../../../src/core/drift/measures/wasserstein.ts';
import { createRandom } from '../../../src/core/random.ts';

interface Golden {
  readonly samples: readonly {
    readonly one: number[];
    readonly other: number[];
    readonly d: number;
    readonly p: number;
    readonly wasserstein: number;
  }[];
  readonly large: readonly {
    readonly m: number;
    readonly n: number;
    readonly shift: number;
    readonly d: number;
    readonly p: number;
  }[];
  readonly shares: readonly {
    readonly a: number[];
    readonly b: number[];
    readonly psi: number;
    readonly js: number;
    readonly chi: number;
    readonly degrees: number;
    readonly p: number;
  }[];
  readonly forest: {
    readonly trees: IsolationTree[];
    readonly subsample: number;
    readonly rows: number[][];
    readonly probes: number[][];
    readonly scores: number[];
    readonly full: number[];
  };
  readonly student: readonly { readonly t: number; readonly degrees: number; readonly p: number }[];
  readonly poisson: readonly { readonly count: number; readonly low: number; readonly high: number }[];
}

const golden = JSON.parse(readFileSync(new URL('./golden/measures.json', import.meta.url), 'utf8')) as Golden;

/** Relative to the expected value, so that small p count as well. */
const near = (actual: number, expected: number, relative = 1e-9): void =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected) + 1e-13);

describe('distributions', () => {
  it.each(golden.student)('have the tails of Student: $t with $degrees degrees', ({ t, degrees, p }) => {
    near(studentTails(t, degrees), p, 1e-7);
    near(studentTails(-t, degrees), p, 1e-7);
  });

  it.each(golden.poisson)('have the exact interval of a count of $count', ({ count, low, high }) => {
    const interval = poissonInterval(count);
    near(interval[0], low, 1e-9);
    near(interval[1], high, 1e-9);
  });
});

const sharesOf = (counts: number[]): number[] => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total);
};

describe('measures of effect agree with SciPy', () => {
  it.each(golden.samples)('for samples of $one.length and $other.length', ({ one, other, ...expected }) => {
    const { distance, p } = kolmogorovSmirnov(one, other);
    near(distance, expected.d);
    near(p, expected.p);
    near(kolmogorovSmirnov(other, one).p, expected.p);
    near(wasserstein(one, other), expected.wasserstein);
  });

  it.each(golden.large)('for large samples: $m, $n, $shift', ({ m, n, shift, d, p }) => {
    const one = Array.from({ length: m }, (_, i) => (i + 0.5) / m);
    const other = Array.from({ length: n }, (_, i) => (i + 0.5) / n + shift);
    const result = kolmogorovSmirnov(one, other);
    near(result.distance, d);
    near(result.p, p);
  });

  it.each(golden.shares)('for counts of $a.length bins', ({ a, b, psi, js, chi, degrees, p }) => {
    near(populationStability(sharesOf(a), sharesOf(b)), psi);
    near(jensenShannon(sharesOf(a), sharesOf(b)), js);
    const result = chiSquared(a, b);
    near(result.statistic, chi);
    expect(result.degrees).toBe(degrees);
    near(result.p, p);
  });
});

describe('the isolation forest', () => {
  const { trees, subsample, rows, probes, scores, full } = golden.forest;

  it('scores with trees of scikit-learn as scikit-learn does', () => {
    const forest = new IsolationForest(trees, subsample);
    probes.forEach((probe, i) => near(forest.score(probe), scores[i]!, 1e-7));
  });

  it('grows trees that separate as well as those of scikit-learn', () => {
    const forest = IsolationForest.grow(rows, createRandom(1));
    const own = probes.map((probe) => forest.score(probe));
    own.forEach((score, i) => expect(Math.abs(score - full[i]!)).toBeLessThan(0.06));
    expect(Math.min(...own.slice(12))).toBeGreaterThan(Math.max(...own.slice(0, 12)));
  });

  it('takes points that are all the same', () => {
    const forest = IsolationForest.grow([[1], [1], [1]], createRandom(1));
    expect(forest.score([1])).toBeCloseTo(0.5, 6);
  });
});
