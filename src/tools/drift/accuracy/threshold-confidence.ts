import type { MixSamples, PictureSample } from '../../../contract/accuracy-samples.ts';
import type { LeftOut } from '../../../core/drift/accuracy/fit.ts';
import { CLEAN } from '../../../core/drift/accuracy/samples.ts';

/**
 * Average thresholded confidence (Garg et al. 2022, arXiv 2201.04234), for detection: the threshold is chosen so that
 * the share of clean boxes with a higher score is the AP of the clean pictures; the share of boxes above it, over that
 * of the clean ones, is the estimate. Boxes are those above 0.05.
 * @param clean pictures that the threshold is chosen on
 */
export function thresholdConfidence(
  clean: readonly MixSamples[],
  samples: readonly PictureSample[],
): LeftOut[] {
  const source = clean.flatMap(({ samples: all }) => all.filter(({ corruption }) => corruption === CLEAN));
  const scores = sumOf(source.map((sample) => sample.scores));
  const ap = source.reduce((sum, sample) => sum + sample.ap, 0) / source.length;
  const threshold = scores.findIndex((_, bin) => shareAbove(scores, bin) <= ap);
  const before = shareAbove(scores, threshold);
  return samples
    .filter(({ corruption }) => corruption !== CLEAN)
    .map((sample) => ({
      sample,
      estimated: Math.max(0, Math.min(1, shareAbove(sample.scores, threshold) / before)),
    }));
}

function sumOf(rows: readonly (readonly number[])[]): number[] {
  return (rows[0] ?? []).map((_, bin) => rows.reduce((sum, row) => sum + row[bin]!, 0));
}

function shareAbove(scores: readonly number[], bin: number): number {
  const all = scores.reduce((sum, count) => sum + count, 0);
  return all === 0 ? 0 : scores.slice(Math.max(0, bin)).reduce((sum, count) => sum + count, 0) / all;
}
