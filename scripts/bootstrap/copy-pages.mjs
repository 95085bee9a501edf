import { cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLACES, ROOT } from './paths.mjs';

const SOURCES = path.join(ROOT, 'src');

/** Files that are served, embedded or executed as they are; the compiler leaves them out. */
const KINDS = new Set(['.html', '.css', '.js', '.sql']);

/** @param {string} file */
const isPage = (file) => KINDS.has(path.extname(file));

/** Copies pages, with their styles and scripts, to the places in dist/ that they have in src/. */
export function copyPages(from = SOURCES, to = PLACES.dist) {
  for (const entry of readdirSync(from, { recursive: true })) {
    const file = String(entry);
    if (isPage(file)) cpSync(path.join(from, file), path.join(to, file));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) copyPages();
