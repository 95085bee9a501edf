import { writeFileSync } from 'node:fs';
import { OBSERVED } from '../../src/core/drift/observe/observed.ts';
import { createRandom } from '../../src/core/random.ts';
import { loadBundle } from '../../src/model/bundle.ts';
import { makeReference } from '../../src/tools/drift/make-reference.ts';
import { shippedBundle } from './shipped-bundle.ts';

/** Writes a reference of the shipped bundle, of made-up observations that no camera is like. */
export async function writeMadeUpReference(file: string): Promise<void> {
  const { manifest, digest } = await loadBundle(shippedBundle());
  const random = createRandom(1);
  const rows = Array.from({ length: 100 }, () =>
    Float64Array.from(OBSERVED, () => 0.4 + 0.02 * random.bell()),
  );
  const bundle = { name: manifest.name, version: manifest.version, digest };
  writeFileSync(file, JSON.stringify(makeReference(bundle, null, { name: 'made_up', rows }, null)));
}
