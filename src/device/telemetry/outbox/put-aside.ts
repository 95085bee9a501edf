import { rename, rm } from 'node:fs/promises';

/** Moves what cannot be used out of the way, in place of what was moved there before. @param why in words, after it */
export async function putAside(path: string, why: string, log: (line: string) => void): Promise<void> {
  const aside = `${path}.damaged`;
  log(`${path} ${why}; it is moved to ${aside}`);
  await rm(aside, { recursive: true, force: true });
  await rename(path, aside);
}
