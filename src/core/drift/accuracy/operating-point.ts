import { leaveOut, type LeftOut, type MeasureSet } from './fit.ts';
import type { Unseen } from './folds.ts';
import { corruptionsOf, type AccuracySample, type BaselineKind } from './samples.ts';

/** A loss that matters: the model sees worse if it keeps less than this share of its AP. */
export const WORSE_BELOW = 0.8;

/** How often "the model sees worse" is right, and how much of what is worse it finds, 0..1; null without any. */
interface VerdictRates {
  readonly said: number;
  readonly precision: number | null;
  readonly recall: number | null;
}

/** @param isSaid whether the verdict is given for an estimate */
export function ratesOf(leftOut: readonly LeftOut[], isSaid: (one: LeftOut) => boolean): VerdictRates {
  const said = leftOut.filter(isSaid);
  const worse = leftOut.filter(isWorse);
  const right = said.filter(isWorse).length;
  return {
    said: said.length,
    precision: said.length === 0 ? null : right / said.length,
    recall: worse.length === 0 ? null : right / worse.length,
  };
}

const isWorse = ({ sample }: LeftOut): boolean => sample.share < WORSE_BELOW;

/**
 * The estimate below which the verdict is best: where the lower one of precision and recall is highest, half-way
 * between two estimates. `WORSE_BELOW` itself if no sample is worse.
 */
export function operatingPoint(leftOut: readonly LeftOut[]): number {
  const estimates = [...new Set(leftOut.map(({ estimated }) => estimated))].sort((a, b) => a - b);
  let best = { point: WORSE_BELOW, least: 0 };
  for (const [i, estimate] of estimates.entries()) {
    const point = (estimate + (estimates[i + 1] ?? 1)) / 2;
    const { precision, recall } = ratesOf(leftOut, ({ estimated }) => estimated < point);
    const least = Math.min(precision ?? 0, recall ?? 0);
    if (least > best.least) best = { point, least };
  }
  return best.point;
}

/** How a method does on one corruption that it never saw. */
interface TriedCorruption {
  readonly corruption: string;
  readonly leftOut: readonly LeftOut[];
  /** over the other corruptions */
  readonly point: number;
}

/**
 * Tries a method on each corruption: sets of measures and operating point are chosen over samples without it.
 * @param choose sets of measures that suit some samples
 * @param unseen what the weights are fitted without
 */
export function tryUnseen(
  samples: readonly AccuracySample[],
  choose: (known: readonly AccuracySample[]) => readonly MeasureSet[],
  kind: BaselineKind,
  unseen: Unseen = 'corruption and scene mix',
): TriedCorruption[] {
  return corruptionsOf(samples).map((corruption) => {
    const known = samples.filter((sample) => sample.corruption !== corruption);
    const sets = choose(known);
    return {
      corruption,
      leftOut: leaveOut(samples, sets, kind, [corruption], unseen),
      point: operatingPoint(leaveOut(known, sets, kind, undefined, unseen)),
    };
  });
}
