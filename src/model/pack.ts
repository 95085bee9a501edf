import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCURACY_FIT_FILE } from '../contract/accuracy-fit.ts';
import { writeOutput } from '../platform/outputs.ts';
import { filesNamed, MANIFEST_FILE, type Bundle } from './bundle.ts';
import { makeTar, type TarEntry } from './tar.ts';

/**
 * Writes a bundle as one tar file, atomically; the same files yield the same bytes. An accuracy fit goes along, though
 * it is no part of the bundle. Returns the size in bytes.
 */
export async function packBundle(bundle: Bundle, out: string): Promise<number> {
  const names = new Set([MANIFEST_FILE, ...filesNamed(bundle.manifest).map(({ file }) => file)]);
  if (await isFile(join(bundle.folder, ACCURACY_FIT_FILE))) names.add(ACCURACY_FIT_FILE);
  const entries: TarEntry[] = [];
  for (const name of names) entries.push({ name, data: await readFile(join(bundle.folder, name)) });
  const archive = makeTar(entries);
  await writeOutput(out, archive);
  return archive.byteLength;
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}
