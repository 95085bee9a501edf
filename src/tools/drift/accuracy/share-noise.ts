import { resampleAp } from '../../../core/evaluation/bootstrap.ts';
import type { ClassMatches } from '../../../core/evaluation/matching.ts';

const RESAMPLES = 200;
const SEED = 1;

/** How well a model saw pictures: its AP, and what the AP of other draws of them follows from. */
export interface Seen {
  readonly ap: number;
  readonly matches: readonly ClassMatches[];
}

/** The share of AP that is kept. Above 1 counts as 1: a model that sees a little more in noise sees well. */
export const shareKept = (degraded: number, clean: number): number => Math.min(1, degraded / clean);

/** AP of data sets that are drawn with replacement from the pictures: the same ones for each way to degrade them. */
export function drawnAps({ matches }: Seen, pictures: number): Float64Array {
  return resampleAp(matches, { images: pictures, resamples: RESAMPLES, seed: SEED });
}

/**
 * How far the share that is kept in other pictures of the same kind is from the one in these, on average: what an
 * estimate that is right about such scenes errs by.
 */
export function shareNoise(degraded: Float64Array, clean: Float64Array, share: number): number {
  let sum = 0;
  let draws = 0;
  for (const [i, ap] of clean.entries()) {
    if (!(ap > 0)) continue;
    sum += Math.abs(shareKept(degraded[i]!, ap) - share);
    draws += 1;
  }
  return draws === 0 ? 0 : sum / draws;
}
