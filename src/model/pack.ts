import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOutput } from '../platform/outputs.ts';
import { filesNamed, MANIFEST_FILE, type Bundle } from './bundle.ts';
import { makeTar, type TarEntry } from './tar.ts';

/**
 * Writes a bundle as one tar file, atomically; the same bundle yields the same bytes. Returns the size in
 * bytes.
 */
export async function packBundle(bundle: Bundle, out: string): Promise<number> {
  const names = new Set([MANIFEST_FILE, ...filesNamed(bundle.manifest).map(({ file }) => file)]);
  const entries: TarEntry[] = [];
  for (const name of names) entries.push({ name, data: await readFile(join(bundle.folder, name)) });
  const archive = makeTar(entries);
  await writeOutput(out, archive);
  return archive.byteLength;
}
