import { GoshawkError } from '../../../contract/errors.ts';
import { sha256Of } from '../../../platform/digest.ts';
import { SCENE_LABELS } from '../../../sim/labels.ts';
import { SIMULATOR_VERSION } from '../../../sim/scene.ts';
import { readDataset } from '../../evaluate/dataset.ts';
import { datasetPictures } from './dataset-pictures.ts';
import { listingDigest } from './listing-digest.ts';
import type { LabeledPictures } from './labeled-pictures.ts';
import { simPictures } from './sim-pictures.ts';

/** Where labeled pictures come from. */
export interface PictureSource {
  readonly name: string;
  /** sha256 of annotations and pictures (names and sizes), or of what the simulator was asked for */
  readonly digest: string;
  /** one scene mix after another, so that few pictures are in memory */
  mixes(): AsyncIterable<LabeledPictures> | Iterable<LabeledPictures>;
}

export interface SourceOptions {
  /** COCO file; absent for the simulator */
  readonly annotations?: string;
  readonly images?: string;
  readonly limit?: number;
  readonly streets: number;
  readonly frames: number;
  readonly seed: number;
}

/** @throws GoshawkError for options or a data set that cannot be used */
export async function openPictures(
  options: SourceOptions,
  labels: readonly string[],
  bundle: string,
): Promise<PictureSource> {
  const { annotations, images, limit, streets, frames, seed } = options;
  if (annotations === undefined) {
    checkLabels(labels, bundle);
    const asked = { simulator: SIMULATOR_VERSION, seed, streets, frames };
    const digest = sha256Of(new TextEncoder().encode(JSON.stringify(asked)));
    return { name: 'simulator', digest, mixes: () => simPictures({ seed, streets, frames }) };
  }
  if (images === undefined)
    throw new GoshawkError('GOSHAWK_USAGE', { reason: 'pass the folder of the pictures with --images' });
  const dataset = await readDataset(annotations, {
    labels,
    bundle,
    ignoreUnknown: true,
    limit: limit ?? null,
  });
  const files = dataset.images.map(({ file }) => file);
  const digest = sha256Of(`${dataset.digest} ${await listingDigest(images, files)}`);
  return { name: annotations, digest, mixes: () => datasetPictures(dataset, images) };
}

function checkLabels(labels: readonly string[], bundle: string): void {
  if (SCENE_LABELS.every((label, i) => labels[i] === label) && labels.length === SCENE_LABELS.length) return;
  const reason = `${bundle} has other labels than the simulator: pass pictures with --annotations and --images`;
  throw new GoshawkError('GOSHAWK_USAGE', { reason });
}
