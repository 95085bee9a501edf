import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLACES, ROOT } from './paths.mjs';

const SOURCES = path.join(ROOT, 'src');

/** Files that are served, embedded, executed or compiled as they are; the compiler leaves them out. */
const KINDS = new Set(['.html', '.css', '.js', '.sql', '.c']);
/** Of those, what the compiler never writes. */
const FOREIGN = new Set(['.html', '.css', '.sql', '.c']);

/** @param {string} file */
const isPage = (file) => KINDS.has(path.extname(file));

/** @param {string} file */
const isForeign = (file) => FOREIGN.has(path.extname(file));

/**
 * Copies pages, with their styles and scripts, to the places in dist/ that they have in src/. What was copied before
 * and is not there any more is removed: a migration that is gone must not run.
 */
export function copyPages(from = SOURCES, to = PLACES.dist) {
  for (const entry of readdirSync(from, { recursive: true })) {
    const file = String(entry);
    if (isPage(file)) cpSync(path.join(from, file), path.join(to, file));
  }
  for (const entry of readdirSync(to, { recursive: true })) {
    const file = String(entry);
    if (isForeign(file) && !existsSync(path.join(from, file))) rmSync(path.join(to, file));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) copyPages();
