import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PLACES, ROOT } from './paths.mjs';
import { SetupError } from './progress.mjs';

/**
 * Stamps make set-up idempotent: a step that succeeds writes the digest of its inputs, and is skipped as long
 * as they have that digest. An interrupted step leaves no stamp and runs again.
 * @param {readonly string[]} inputs
 * @returns {string}
 */
export function keyOf(inputs) {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(`${input.length}:${input}`);
  return hash.digest('hex');
}

/**
 * Digest of the names and contents of files; folders include everything below them.
 * @param {readonly string[]} places files and folders; missing ones are ignored
 * @returns {string}
 */
export function keyOfFiles(places) {
  /** @type {string[]} */
  const inputs = [];
  for (const place of places) {
    if (!existsSync(place)) continue;
    const entries = entriesIfFolder(place);
    if (entries === undefined) inputs.push(place, readFileSync(place, 'utf8'));
    else inputs.push(place, keyOfFiles(entries));
  }
  return keyOf(inputs);
}

/**
 * @param {string} place
 * @returns {string[] | undefined}
 */
function entriesIfFolder(place) {
  try {
    // Python's caches come and go.
    return readdirSync(place)
      .filter((name) => name !== '__pycache__')
      .sort()
      .map((name) => path.join(place, name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** @param {string} name @param {string} folder */
const fileOf = (name, folder) => path.join(folder, name);

/**
 * @param {string} name
 * @param {string} key
 * @param {string} [folder]
 * @returns {boolean}
 */
export function isFresh(name, key, folder = PLACES.stamps) {
  const file = fileOf(name, folder);
  return existsSync(file) && readFileSync(file, 'utf8') === key;
}

/**
 * @param {string} name
 * @param {string} key
 * @param {string} [folder]
 */
export function writeStamp(name, key, folder = PLACES.stamps) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(name, folder), key);
}

/**
 * Call this before a step changes anything, so that an interruption cannot leave an old stamp on new
 * contents.
 * @param {string} name
 * @param {string} [folder]
 */
export function removeStamp(name, folder = PLACES.stamps) {
  rmSync(fileOf(name, folder), { force: true });
}

/**
 * Runs a step once for the same inputs.
 * @param {string} name of the stamp
 * @param {readonly string[]} inputs
 * @param {string} product a file that exists afterwards
 * @param {() => Promise<void> | void} work
 */
export async function once(name, inputs, product, work) {
  const key = keyOf(inputs);
  if (isFresh(name, key) && existsSync(product)) return;
  removeStamp(name);
  await work();
  if (!existsSync(product))
    throw new SetupError(`${name} did not produce ${path.relative(ROOT, product)}`, {
      fix: `see the log of this step in ${path.relative(ROOT, PLACES.logs)}, and run the command again`,
    });
  writeStamp(name, key);
}
