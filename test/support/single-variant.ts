import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleManifestSchema } from '../../src/contract/bundle.ts';

/**
 * A bundle with a single variant of another one, and so nothing to choose from: allows comparing machines that would
 * choose differently. It has no references.
 * @param source folder of the bundle
 * @param variant its file without the extension
 * @param folder to write to
 * @returns `folder`
 */
export function writeSingleVariant(source: string, variant: string, folder: string): string {
  const manifest = bundleManifestSchema.parse(JSON.parse(readFileSync(join(source, 'bundle.json'), 'utf8')));
  const variants = manifest.variants.filter(({ file }) => file === `${variant}.onnx`);
  if (variants.length !== 1) throw new Error(`${source} has no ${variant}.onnx`);
  mkdirSync(folder, { recursive: true });
  for (const { file } of variants) copyFileSync(join(source, file), join(folder, file));
  writeFileSync(
    join(folder, 'bundle.json'),
    JSON.stringify({ ...manifest, variants, references: undefined }),
  );
  return folder;
}
