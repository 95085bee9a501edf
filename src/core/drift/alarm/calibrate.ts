import type { Random } from '../../random.ts';
import { ALARMED } from './alarmed.ts';
import { binOf, edgesOf, probabilitiesOf } from './bins.ts';
import { BlockBootstrap } from './block-bootstrap.ts';
import type { ContextBins } from './camera-alarm.ts';
import { ForgettingEstimate } from './forgetting.ts';
import { halfOf, PART } from './held-out.ts';
import { KEEPS } from './rates.ts';

/** Discounts that are tried, from none on. */
const DISCOUNTS: readonly number[] = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.4, 2, 3, 4.5];
const HIGHEST = 6;
/** Thresholds at which alarms are counted: a tail that holds at all of them holds beyond. */
const LEVELS = [100, 1_000, 10_000] as const;
/** Alarms may be this share of what the threshold allows. */
const MARGIN = 0.5;
/** Observations of the bootstrap, for each half of the reference. */
const STEPS = 20_000;
/** Of a context, in the order of `ALARMED`. */
type Rows = readonly Float64Array[];

/**
 * For each of `ALARMED`, the smallest discount with which resampled sequences of the reference, which were held out
 * from bins and probabilities, alarm at most half as often as the threshold says. Each half is held out once.
 * @param contexts what the alarm looks at, of each (`heldOutValues`)
 * @returns per observation, subtracted from the logarithm of the likelihood ratio; one that leaves next to nothing if
 * none suffices
 */
export function calibrate(contexts: readonly Rows[], random: Random): number[] {
  const halves = [0, 1].map((half) => calibrateHalf(contexts, half, random));
  return ALARMED.map((_, at) => Math.max(...halves.map((discounts) => discounts[at]!)));
}

function calibrateHalf(contexts: readonly Rows[], half: number, random: Random): number[] {
  const kept = contexts.map((rows) => rows.filter((_, i) => halfOf(i) !== half));
  const held = contexts.map((rows) => partsOf(rows.length, half));
  if ([...kept, ...held].some((one) => one.length === 0)) return ALARMED.map(() => 0);
  const path = pathOf(new BlockBootstrap(held, random));
  return ALARMED.map((_, at) => {
    const bins = kept.map((rows) => binsOf(rows, at));
    const sequences = contexts.map((rows, k) => binned(rows, at, bins[k]!));
    const ratios = ratiosOn(path, sequences, bins);
    return DISCOUNTS.find((discount) => LEVELS.every((level) => isQuiet(ratios, discount, level))) ?? HIGHEST;
  });
}

/** Every other part of a sequence. */
function partsOf(length: number, half: number): [start: number, end: number][] {
  return Array.from({ length: Math.ceil(length / PART) }, (_, part): [number, number] => [
    part * PART,
    Math.min(length, (part + 1) * PART),
  ]).filter((_, part) => part % 2 === half);
}

/** @param at place of the feature in the rows */
export function binsOf(rows: readonly Float64Array[], at: number): ContextBins {
  const values = rows.map((row) => row[at]!);
  const edges = edgesOf(values);
  return { edges, probabilities: probabilitiesOf(edges, values) };
}

const binned = (rows: readonly Float64Array[], at: number, { edges }: ContextBins): Int16Array =>
  Int16Array.from(rows, (row) => (Number.isNaN(row[at]!) ? -1 : binOf(edges, row[at]!)));

/** Context and index of each resampled observation. */
type Path = readonly { readonly context: number; readonly index: number }[];

function pathOf(bootstrap: BlockBootstrap): Path {
  return Array.from({ length: STEPS }, () => {
    const { context, index } = bootstrap;
    bootstrap.next();
    return { context, index };
  });
}

/** Likelihood ratios of resampled observations, one for each half-life after another; 0 for one without a value. */
function ratiosOn(path: Path, sequences: readonly Int16Array[], bins: readonly ContextBins[]): Float64Array {
  const estimates = KEEPS.map((keep) => new ForgettingEstimate(keep));
  const ratios = new Float64Array(path.length * KEEPS.length);
  let before = 0;
  path.forEach(({ context, index }, step) => {
    if (context !== before) for (const estimate of estimates) estimate.clear();
    before = context;
    const bin = sequences[context]![index]!;
    if (bin < 0) return;
    const { probabilities } = bins[context]!;
    estimates.forEach((estimate, i) => {
      const predicted = estimate.probability(bin, probabilities[bin]!, probabilities.length);
      ratios[step * KEEPS.length + i] = predicted / probabilities[bin]!;
      estimate.add(bin);
    });
  });
  return ratios;
}

/** Whether evidence reaches a level seldom enough. */
function isQuiet(ratios: Float64Array, discount: number, level: number): boolean {
  const keepLess = Math.exp(-discount);
  const sums = new Float64Array(KEEPS.length);
  let allowed = (MARGIN * STEPS) / level;
  for (let at = 0; at < ratios.length; at += KEEPS.length) {
    // no observation, no evidence
    if (ratios[at] === 0) continue;
    let total = 0;
    for (let i = 0; i < KEEPS.length; i++) {
      sums[i] = (1 + sums[i]!) * ratios[at + i]! * keepLess;
      total += sums[i]!;
    }
    if (total < level * KEEPS.length) continue;
    allowed -= 1;
    if (allowed < 0) return false;
    sums.fill(0);
  }
  return true;
}
