import type { MixSamples, PictureSample } from '../../../contract/accuracy-samples.ts';
import type { LeftOut } from '../../../core/drift/accuracy/fit.ts';
import type { Unseen } from '../../../core/drift/accuracy/folds.ts';
import { shareOfSum } from '../../../core/drift/accuracy/link.ts';
import { Regression } from '../../../core/drift/accuracy/ridge.ts';
import { CLEAN, corruptionsOf } from '../../../core/drift/accuracy/samples.ts';

/** Boxes count from this score on, in hundredths. */
const COUNTED_FROM = 30;
const PENALTY = 1e-6;

/** A sample, and how many of its boxes are lost, as a share of those of the same pictures as they are. */
interface Counted {
  readonly sample: PictureSample;
  readonly lost: number;
}

/**
 * Boxes above 0.3, relative to those of the same pictures as they are: the share of AP that is kept is 1 plus a weight
 * times the share of boxes that are lost. A peer only: it takes the number of objects as known, which no robot does.
 */
export function countedBoxes(mixes: readonly MixSamples[], unseen: Unseen): LeftOut[] {
  const counted = mixes.map(countedOf);
  return counted.flatMap((own) => {
    const keepsOwn = unseen === 'corruption' || mixes.length === 1;
    const others = counted.filter((one) => keepsOwn || one !== own).flat();
    return corruptionsOf(own.map(({ sample }) => sample)).flatMap((corruption) => {
      const known = others.filter(({ sample }) => sample.corruption !== corruption);
      const weight = weightOf(known);
      return own
        .filter(({ sample }) => sample.corruption === corruption)
        .map(({ sample, lost }) => ({ sample, estimated: shareOfSum('linear', weight * lost) }));
    });
  });
}

function weightOf(known: readonly Counted[]): number {
  const regression = new Regression(1);
  for (const { sample, lost } of known) regression.add([lost], sample.share - 1);
  const weights = new Float64Array(1);
  regression.solve([0], PENALTY, weights);
  return weights[0]!;
}

function countedOf({ samples }: MixSamples): Counted[] {
  const clean = samples.find(({ corruption }) => corruption === CLEAN);
  const before = clean === undefined ? 0 : countOf(clean);
  return samples
    .filter(({ corruption }) => corruption !== CLEAN)
    .map((sample) => ({ sample, lost: 1 - countOf(sample) / Math.max(1, before) }));
}

const countOf = ({ scores }: PictureSample): number =>
  scores.slice(COUNTED_FROM).reduce((sum, count) => sum + count, 0);
