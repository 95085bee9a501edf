import { meanAndDeviation } from '../../../core/mean-and-deviation.ts';
import { binOf, edgesOf } from '../../../core/drift/alarm/bins.ts';
import { chiSquared } from '../../../core/drift/measures/chi-squared.ts';
import { jensenShannon, populationStability } from '../../../core/drift/measures/divergence.ts';
import { IsolationForest } from '../../../core/drift/measures/isolation-forest.ts';
import { kolmogorovSmirnov } from '../../../core/drift/measures/kolmogorov-smirnov.ts';
import { wasserstein } from '../../../core/drift/measures/wasserstein.ts';
import { OBSERVED, OF_CONTEXT, PLACE, type ObservedName } from '../../../core/drift/observe/observed.ts';
import { createRandom } from '../../../core/random.ts';

type ObservedRows = readonly Float64Array[];

/** Decides for a window of observations, without a memory of those before. */
export interface WindowRule {
  readonly rule: string;
  alarms(window: ObservedRows): boolean;
}

const SIGNIFICANT = 0.05;
/** Customary limits: PSI 0.2; Jensen-Shannon distance and Wasserstein over sigma 0.1 (Evidently's defaults). */
const PSI_LIMIT = 0.2;
const DISTANCE_LIMIT = 0.1;
/** Share of the reference's own held-out half that counts as anomalous. */
const ANOMALIES = 0.05;

const COMPARED = OBSERVED.filter((name) => OF_CONTEXT.every((one) => one !== name));

const measured = (rows: ObservedRows, name: ObservedName): number[] =>
  rows.map((row) => row[PLACE[name]]!).filter((value) => !Number.isNaN(value));

/** A feature of a reference, with all its values. */
interface Known {
  readonly name: ObservedName;
  readonly values: readonly number[];
  readonly deviation: number;
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

const countsOf = (edges: readonly number[], values: readonly number[]): number[] => {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) counts[binOf(edges, value)]! += 1;
  return counts;
};

const sharesOf = (counts: readonly number[]): number[] => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total);
};

const deviationOf = (values: readonly number[]): number => meanAndDeviation(values).deviation || 1;

/** The rules that people use, on the features of a reference, whose contexts they take as one sample. */
export function customaryRules(rows: ObservedRows): WindowRule[] {
  const known = COMPARED.flatMap((name): Known[] => {
    const values = measured(rows, name);
    const edges = edgesOf(values);
    if (edges.length === 0) return [];
    return [{ name, values, deviation: deviationOf(values), edges, counts: countsOf(edges, values) }];
  });
  const any = (rule: string, isOff: (of: Known, values: number[]) => boolean): WindowRule => ({
    rule,
    alarms: (window) =>
      known.some((of) => {
        const values = measured(window, of.name);
        return values.length > 0 && isOff(of, values);
      }),
  });
  const shares = (of: Known, values: number[]): [number[], number[]] => [
    sharesOf(countsOf(of.edges, values)),
    sharesOf(of.counts),
  ];
  return [
    any('Kolmogorov-Smirnov p < 0.05', (of, values) => kolmogorovSmirnov(of.values, values).p < SIGNIFICANT),
    any(
      'chi-squared p < 0.05',
      (of, values) => chiSquared(of.counts, countsOf(of.edges, values)).p < SIGNIFICANT,
    ),
    any('PSI >= 0.2', (of, values) => populationStability(...shares(of, values)) >= PSI_LIMIT),
    any('Jensen-Shannon >= 0.1', (of, values) => jensenShannon(...shares(of, values)) >= DISTANCE_LIMIT),
    any(
      'Wasserstein / sigma >= 0.1',
      (of, values) => wasserstein(of.values, values) / of.deviation >= DISTANCE_LIMIT,
    ),
    forestRule(rows, known),
  ];
}

/** More anomalies than in the held-out half of the reference, by a binomial test. */
function forestRule(rows: ObservedRows, known: readonly Known[]): WindowRule {
  const point = (row: Float64Array): number[] =>
    known.map(({ name }) => (Number.isNaN(row[PLACE[name]]!) ? 0 : row[PLACE[name]]!));
  const grown = rows.filter((_, i) => i % 2 === 0).map(point);
  const forest = IsolationForest.grow(grown, createRandom(1));
  const held = rows.filter((_, i) => i % 2 === 1).map((row) => forest.score(point(row)));
  const limit = held.sort((a, b) => a - b)[Math.floor((1 - ANOMALIES) * held.length)] ?? 1;
  return {
    rule: 'isolation forest, binomial p < 0.05',
    alarms: (window) => {
      const anomalies = window.filter((row) => forest.score(point(row)) > limit).length;
      return upperTail(window.length, ANOMALIES, anomalies) < SIGNIFICANT;
    },
  };
}

/** The probability of at least `successes` in n trials. */
function upperTail(n: number, p: number, successes: number): number {
  let term = (1 - p) ** n;
  let below = 0;
  for (let k = 0; k < successes; k++) {
    below += term;
    term *= ((n - k) / (k + 1)) * (p / (1 - p));
  }
  return 1 - below;
}
