import type { MixSamples, PictureSample } from '../../../contract/accuracy-samples.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { CLEAN } from '../../../core/drift/accuracy/samples.ts';
import type { Degradation } from './degrade.ts';
import type { LabeledPictures } from './labeled-pictures.ts';
import { measurePictures, type Measured } from './measure.ts';
import type { PictureEngine } from './picture-engine.ts';
import { drawnAps, shareKept, shareNoise } from './share-noise.ts';

/**
 * Measures the pictures of one scene mix, as they are and degraded.
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
  const drawn = drawnAps(clean, pictures.count);
  const samples = [sampleOf({ mix, corruption: CLEAN, strength: 0, share: 1, noise: 0 }, clean)];
  for (const degradation of degradations) {
    const { corruption, strength } = degradation;
    const measured = await measurePictures(engine, pictures, degradation);
    const share = shareKept(measured.ap, clean.ap);
    const noise = shareNoise(drawnAps(measured, pictures.count), drawn, share);
    const sample = sampleOf({ mix, corruption, strength, share, noise }, measured);
    samples.push(sample);
    onSample(sample);
  }
  const baseline = { graph: clean.summary, sharp: sharp.summary };
  return { mix, pictures: pictures.count, ap: clean.ap, baseline, samples };
}

function sampleOf(
  of: Omit<PictureSample, 'ap' | 'summary' | 'scores'>,
  { ap, summary, scores }: Measured,
): PictureSample {
  return { ...of, ap, summary, scores };
}
