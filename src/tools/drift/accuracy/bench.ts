import type { AccuracyBenchRow } from '../../../contract/accuracy-bench.ts';
import type { MixSamples } from '../../../contract/accuracy-samples.ts';
import {
  errorsOf,
  fitShare,
  leaveOut,
  shareOf,
  type LeftOut,
  type MeasureSet,
  type ShareModel,
} from '../../../core/drift/accuracy/fit.ts';
import type { Unseen } from '../../../core/drift/accuracy/folds.ts';
import { chooseSets } from '../../../core/drift/accuracy/measure-sets.ts';
import {
  operatingPoint,
  ratesOf,
  tryUnseen,
  WORSE_BELOW,
} from '../../../core/drift/accuracy/operating-point.ts';
import { OF_TRACKS, REGRESSORS } from '../../../core/drift/accuracy/regressors.ts';
import {
  baselinesOf,
  CLEAN,
  corruptionsOf,
  meanSummary,
  type AccuracySample,
  type BaselineKind,
} from '../../../core/drift/accuracy/samples.ts';
import { countedBoxes } from './counted-boxes.ts';
import { knowsOthers } from './make-fit.ts';
import { thresholdConfidence } from './threshold-confidence.ts';

/** Samples from elsewhere are of other scenes. */
const ELSEWHERE: Unseen = 'corruption and scene mix';

/** A loss that is clearly more than a fifth. */
const SEVERE_BELOW = 0.7;

/** Estimates of a method, and how they become verdicts. */
interface Tried {
  readonly degraded: readonly LeftOut[];
  readonly clean: readonly LeftOut[];
  /** what the interval adds to an estimate */
  readonly high: number;
  /** the estimate below which a sample is called worse, found without its corruption */
  readonly pointOf: (corruption: string) => number;
}

/** What frames can be compared with. */
const kindsOf = (mixes: readonly MixSamples[]): BaselineKind[] =>
  knowsOthers(mixes) ? ['own', 'others'] : ['own'];

/** How each method that is fitted chooses its measures. */
function methodsOf(
  kind: BaselineKind,
): readonly (readonly [string, (samples: readonly AccuracySample[]) => readonly MeasureSet[]])[] {
  const ofOne = REGRESSORS.filter((name) => !OF_TRACKS.has(name));
  return [
    ['fit', (samples) => chooseSets(samples, ofOne, kind)],
    ['fit, with tracks', (samples) => chooseSets(samples, REGRESSORS, kind)],
    ['consistency and reliability', () => [{ names: ['consistency', 'reliability'], weight: 1 }]],
    ['mean confidence', () => [{ names: ['score'], weight: 1 }]],
  ];
}

/** What models are fitted without. With one scene mix, leaving it out as well leaves nothing. */
function protocolsOf(mixes: readonly MixSamples[], kind: BaselineKind): Unseen[] {
  if (mixes.length === 1) return ['corruption'];
  // the mean of the other scene mixes is a comparison with what was not seen
  return kind === 'others' ? ['corruption and scene mix'] : ['corruption and scene mix', 'corruption'];
}

/**
 * Every method on the samples that it is fitted on, leaving out corruption and scene mix, and the corruption alone.
 * Measures and operating point are chosen without the corruption, too.
 */
export function leaveOutRows(mixes: readonly MixSamples[]): AccuracyBenchRow[] {
  return kindsOf(mixes).flatMap((kind) =>
    protocolsOf(mixes, kind).flatMap((unseen) => [
      ...fittedRows(mixes, kind, unseen),
      thresholdRow(mixes, kind, unseen),
      ...(kind === 'own' ? [countedRow(mixes, unseen)] : []),
    ]),
  );
}

function fittedRows(mixes: readonly MixSamples[], kind: BaselineKind, unseen: Unseen): AccuracyBenchRow[] {
  const samples = mixes.flatMap((one) => one.samples);
  return methodsOf(kind).map(([method, choose]) => {
    const tried = tryUnseen(samples, choose, kind, unseen);
    const points = new Map(tried.map(({ corruption, point }) => [corruption, point]));
    const sets = choose(samples);
    const point = operatingPoint(leaveOut(samples, sets, kind, undefined, unseen));
    const degraded = tried.flatMap(({ leftOut }) => leftOut);
    const { high } = errorsOf(degraded);
    const pointOf = (corruption: string): number => points.get(corruption) ?? point;
    const clean = cleanOf(mixes, sets, kind);
    return rowOf({ method, baseline: kind, unseen }, { degraded, clean, high, pointOf });
  });
}

/** How far true shares of degraded samples are off in themselves, on average; null if it was not measured. */
export function noiseOf(mixes: readonly MixSamples[]): number | null {
  const degraded = mixes.flatMap(({ samples }) => samples.filter(({ corruption }) => corruption !== CLEAN));
  const known = degraded.flatMap(({ noise }) => (noise === undefined ? [] : [noise]));
  return known.length < degraded.length || known.length === 0
    ? null
    : known.reduce((sum, noise) => sum + noise, 0) / known.length;
}

/** The pictures of each scene mix as they are, by models that never saw it. */
function cleanOf(mixes: readonly MixSamples[], sets: readonly MeasureSet[], kind: BaselineKind): LeftOut[] {
  const baselines = baselinesOf(mixes.flatMap(({ samples }) => samples), kind); // prettier-ignore
  return mixes.flatMap((mix) => {
    const others = mixes.filter((one) => mixes.length === 1 || one !== mix);
    const model = fitShare(others.flatMap((one) => one.samples), sets, kind); // prettier-ignore
    return estimatesOf(mix, () => model, baselines.get(mix.mix)!, true);
  });
}

/**
 * Models on samples from elsewhere: other streets, real weather, another library's corruptions, other pictures. A
 * corruption that was fitted on, too, is left out of the model that is tried on it.
 */
export function triedRows(fitted: readonly MixSamples[], mixes: readonly MixSamples[]): AccuracyBenchRow[] {
  const samples = fitted.flatMap((one) => one.samples);
  const others = meanSummary(fitted.map(({ baseline }) => baseline.graph));
  const corruptions = [CLEAN, ...corruptionsOf(mixes.flatMap((one) => one.samples))];
  return kindsOf(fitted).flatMap((kind) => {
    const rows = methodsOf(kind).map(([method, choose]) => {
      const all = modelOf(samples, choose, kind);
      const models = new Map(
        corruptions.map((name) => {
          const known = samples.filter(({ corruption }) => name === CLEAN || corruption !== name);
          return [name, known.length === samples.length ? all : modelOf(known, choose, kind)];
        }),
      );
      const tryOn = (isClean: boolean) =>
        mixes.flatMap((mix) => {
          const baseline = kind === 'own' ? mix.baseline.graph : others;
          return estimatesOf(mix, (corruption) => models.get(corruption)!.model, baseline, isClean);
        });
      const degraded = tryOn(false);
      const pointOf = (corruption: string): number => models.get(corruption)!.point;
      return rowOf(
        { method, baseline: kind, unseen: ELSEWHERE },
        { degraded, clean: tryOn(true), high: all.high, pointOf },
      );
    });
    return [...rows, thresholdRow(mixes, kind, ELSEWHERE)];
  });
}

/** A model with its operating point, and what its interval adds to an estimate. */
function modelOf(
  samples: readonly AccuracySample[],
  choose: (samples: readonly AccuracySample[]) => readonly MeasureSet[],
  kind: BaselineKind,
): { readonly model: ShareModel; readonly point: number; readonly high: number } {
  const sets = choose(samples);
  const leftOut = leaveOut(samples, sets, kind);
  const { high } = errorsOf(leftOut);
  return { model: fitShare(samples, sets, kind), point: operatingPoint(leftOut), high };
}

function estimatesOf(
  { samples }: MixSamples,
  modelOf: (corruption: string) => ShareModel,
  baseline: Parameters<typeof shareOf>[2],
  isClean: boolean,
): LeftOut[] {
  return samples
    .filter(({ corruption }) => (corruption === CLEAN) === isClean)
    .flatMap((sample) => {
      const estimated = shareOf(modelOf(sample.corruption), sample.summary, baseline);
      return estimated === null ? [] : [{ sample, estimated }];
    });
}

function thresholdRow(mixes: readonly MixSamples[], kind: BaselineKind, unseen: Unseen): AccuracyBenchRow {
  const degraded = mixes.flatMap((mix) => {
    const others = mixes.filter((one) => mixes.length === 1 || one !== mix);
    return thresholdConfidence(kind === 'own' ? [mix] : others, mix.samples);
  });
  return peerRow({ method: 'average thresholded confidence', baseline: kind, unseen }, degraded);
}

function countedRow(mixes: readonly MixSamples[], unseen: Unseen): AccuracyBenchRow {
  const degraded = countedBoxes(mixes, unseen);
  return peerRow({ method: 'boxes counted, objects known', baseline: 'own', unseen }, degraded);
}

/** A method that is not chosen by samples, apart from its operating point. */
function peerRow(of: RowKey, degraded: readonly LeftOut[]): AccuracyBenchRow {
  return rowOf(of, {
    degraded,
    clean: [],
    high: errorsOf(degraded).high,
    pointOf: (corruption) =>
      operatingPoint(degraded.filter(({ sample }) => sample.corruption !== corruption)),
  });
}

type RowKey = Pick<AccuracyBenchRow, 'method' | 'baseline' | 'unseen'>;

function rowOf(of: RowKey, { degraded, clean, high, pointOf }: Tried): AccuracyBenchRow {
  const { meanAbsolute, rankCorrelation, samples } = errorsOf(degraded);
  const isSaid = ({ sample, estimated }: LeftOut): boolean => estimated < pointOf(sample.corruption);
  const isSure = ({ estimated }: LeftOut): boolean => estimated + Math.max(0, high) < WORSE_BELOW;
  return {
    ...of,
    samples,
    meanAbsolute,
    rankCorrelation: Number.isFinite(rankCorrelation) ? rankCorrelation : null,
    worse: degraded.filter(({ sample }) => sample.share < WORSE_BELOW).length,
    byPoint: verdictsOf(degraded, isSaid),
    byInterval: verdictsOf(degraded, isSure),
    byEstimate: verdictsOf(degraded, ({ estimated }) => estimated < WORSE_BELOW),
    harmless: {
      samples: clean.length,
      worse: clean.filter(isSaid).length,
      meanAbsolute: clean.length === 0 ? 0 : errorsOf(clean).meanAbsolute,
    },
  };
}

function verdictsOf(
  all: readonly LeftOut[],
  isSaid: (one: LeftOut) => boolean,
): AccuracyBenchRow['byInterval'] {
  const severe = all.filter(({ sample }) => sample.share < SEVERE_BELOW);
  const found = severe.filter(isSaid).length;
  return { ...ratesOf(all, isSaid), recallOfSevere: severe.length === 0 ? null : found / severe.length };
}
