import { accuracyFitSchema, type AccuracyFit } from '../../../contract/accuracy-fit.ts';
import type { AccuracySamples } from '../../../contract/accuracy-samples.ts';
import { describeError, GoshawkError } from '../../../contract/errors.ts';
import {
  errorsOf,
  fitShare,
  leaveOut,
  type MeasureSet,
  type ShareErrors,
} from '../../../core/drift/accuracy/fit.ts';
import { chooseSets } from '../../../core/drift/accuracy/measure-sets.ts';
import { operatingPoint } from '../../../core/drift/accuracy/operating-point.ts';
import { OF_TRACKS, REGRESSORS } from '../../../core/drift/accuracy/regressors.ts';
import {
  corruptionsOf,
  meanSummary,
  type AccuracySample,
  type BaselineKind,
} from '../../../core/drift/accuracy/samples.ts';

/** With fewer, the mean of the others is one scene mix, and what it errs by in another is not known. */
const MIN_MIXES_FOR_OTHERS = 3;

/** Whether the samples say how far off estimates against other scenes are. */
export function knowsOthers(mixes: readonly unknown[]): boolean {
  return mixes.length >= MIN_MIXES_FOR_OTHERS;
}

/** @throws GoshawkError GOSHAWK_FIT_IMPOSSIBLE, for samples of fewer than two corruptions above all */
export function makeFit(of: AccuracySamples, madeAt: Date): AccuracyFit {
  return orImpossible(of, () => fitOf(of, madeAt));
}

/**
 * Runs a computation over samples.
 * @throws GoshawkError GOSHAWK_FIT_IMPOSSIBLE if they are too few for it
 */
export function orImpossible<T>({ bundle, mixes }: AccuracySamples, compute: () => T): T {
  const impossible = (reason: string, cause?: unknown): GoshawkError =>
    new GoshawkError('GOSHAWK_FIT_IMPOSSIBLE', { bundle: bundle.name, reason }, { cause });
  const count = corruptionsOf(mixes.flatMap(({ samples }) => samples)).length;
  if (count < 2) throw impossible(`they have ${String(count)} corruptions, and two are the least`);
  try {
    return compute();
  } catch (error) {
    if (error instanceof RangeError) throw impossible(describeError(error), error);
    throw error;
  }
}

function fitOf(of: AccuracySamples, madeAt: Date): AccuracyFit {
  const { mixes, bundle, source, digest, strengths, table } = of;
  const samples = mixes.flatMap((one) => one.samples);
  const corruptions = corruptionsOf(samples);
  return accuracyFitSchema.parse({
    schema: 'goshawk.accuracy-fit/1',
    madeAt: madeAt.toISOString(),
    table,
    bundle,
    pictures: {
      source,
      digest,
      mixes: Object.fromEntries(mixes.map(({ mix, pictures, ap }) => [mix, { pictures, ap }])),
    },
    corruptions,
    strengths,
    baseline: {
      graph: meanSummary(mixes.map(({ baseline }) => baseline.graph)),
      sharp: meanSummary(mixes.map(({ baseline }) => baseline.sharp)),
    },
    own: modelsOf(samples, 'own'),
    others: knowsOthers(mixes) ? modelsOf(samples, 'others') : null,
  });
}

function modelsOf(samples: readonly AccuracySample[], kind: BaselineKind) {
  const tracked = chooseSets(samples, REGRESSORS, kind);
  const ofOne = REGRESSORS.filter((name) => !OF_TRACKS.has(name));
  const needsTracks = tracked.some(({ names }) => names.some((name) => OF_TRACKS.has(name)));
  return {
    tracked: needsTracks ? modelOf(samples, tracked, kind) : null,
    untracked: modelOf(samples, needsTracks ? chooseSets(samples, ofOne, kind) : tracked, kind),
  };
}

function modelOf(samples: readonly AccuracySample[], sets: readonly MeasureSet[], kind: BaselineKind) {
  const leftOut = leaveOut(samples, sets, kind);
  const errors = asWritten(errorsOf(leftOut));
  return { ...fitShare(samples, sets, kind), errors, worseBelow: operatingPoint(leftOut) };
}

/** JSON has no NaN. */
function asWritten(errors: ShareErrors) {
  const { rankCorrelation } = errors;
  return { ...errors, rankCorrelation: Number.isFinite(rankCorrelation) ? rankCorrelation : null };
}
