import { writeFileSync } from 'node:fs';
import { OBSERVED } from '../../src/core/drift/observe/observed.ts';
import { createRandom } from '../../src/core/random.ts';
import type { BundleManifest } from '../../src/contract/bundle.ts';
import { loadBundle } from '../../src/model/bundle.ts';
import { settingsOf } from '../../src/device/drift/reference-settings.ts';
import { defaultLimits } from '../../src/device/pipeline/limit-table.ts';
import { makeReference, type ReferenceOf } from '../../src/tools/drift/make-reference.ts';
import { shippedBundle } from './shipped-bundle.ts';

/** Writes a reference of the shipped bundle, of made-up observations that no camera is like. */
export async function writeMadeUpReference(file: string): Promise<void> {
  const { manifest, digest } = await loadBundle(shippedBundle());
  const random = createRandom(1);
  const rows = Array.from({ length: 100 }, () =>
    Float64Array.from(OBSERVED, () => 0.4 + 0.02 * random.bell()),
  );
  writeFileSync(
    file,
    JSON.stringify(makeReference(referenceOf(manifest, digest), { name: 'made_up', rows }, null)),
  );
}

/** Of any camera, by a detector with the limits of the bundle and without tracking. */
export function referenceOf(
  { name, version, thresholds }: Pick<BundleManifest, 'name' | 'version' | 'thresholds'>,
  digest: string,
): ReferenceOf {
  return {
    bundle: { name, version, digest },
    camera: null,
    settings: settingsOf(defaultLimits(thresholds), false),
  };
}
