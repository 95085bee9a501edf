import type { MixSamples, PictureSample } from '../../../contract/accuracy-samples.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { CLEAN } from '../../../core/drift/accuracy/samples.ts';
import type { Degradation } from './degrade.ts';
import type { LabeledPictures } from './labeled-pictures.ts';
import { measurePictures } from './measure.ts';
import type { PictureEngine } from './picture-engine.ts';

/**
 * Measures the pictures of one scene mix, as they are and degraded. Shares above 1 count as 1: a model that sees a
 * little more in noise sees well.
 * @param onSample called after each
 * @throws GoshawkError GOSHAWK_FIT_IMPOSSIBLE if the model sees nothing in the pictures as they are
 */
export async function collectMix(
  engine: PictureEngine,
  pictures: LabeledPictures,
  degradations: readonly Degradation[],
  onSample: (sample: PictureSample) => void,
): Promise<MixSamples> {
  const { mix } = pictures;
  const clean = await measurePictures(engine, pictures, null);
  if (!(clean.ap > 0)) {
    const reason = `it sees nothing in the ${mix} pictures as they are`;
    throw new GoshawkError('GOSHAWK_FIT_IMPOSSIBLE', { bundle: engine.bundle.manifest.name, reason });
  }
  const sharp = await measurePictures(engine, pictures, null, 'sharp');
  const samples: PictureSample[] = [{ mix, corruption: CLEAN, strength: 0, share: 1, ...clean }];
  for (const degradation of degradations) {
    const { corruption, strength } = degradation;
    const measured = await measurePictures(engine, pictures, degradation);
    const sample = { mix, corruption, strength, share: Math.min(1, measured.ap / clean.ap), ...measured };
    samples.push(sample);
    onSample(sample);
  }
  const baseline = { graph: clean.summary, sharp: sharp.summary };
  return { mix, pictures: pictures.count, ap: clean.ap, baseline, samples };
}
