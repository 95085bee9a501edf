import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareVersions } from '../../src/model/versions.ts';

const MODELS = join(import.meta.dirname, '../../models');

/** Folder of the newest version of a bundle that comes with the project. */
export function shippedBundle(name = 'goshawk-street'): string {
  const newest = readdirSync(join(MODELS, name)).sort(compareVersions).at(-1);
  if (newest === undefined) throw new Error(`models/${name} holds no version`);
  return join(MODELS, name, newest);
}
