import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addReferences } from '../../src/device/authoring/add-references.ts';
import { loadBundle, type Bundle } from '../../src/model/bundle.ts';

/**
 * A bundle with references: the bundle itself if it has them, else a copy that gets them here, by exact arithmetic
 * regardless of this CPU.
 * @param source its folder
 * @param out model folder for the copy
 */
export async function withReferences(source: string, out: string): Promise<Bundle> {
  const bundle = await loadBundle(source);
  if (existsSync(join(source, 'references.json'))) return bundle;
  return (await addReferences(bundle, { out })).bundle;
}
