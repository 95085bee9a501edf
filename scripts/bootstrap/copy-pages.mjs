import { cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLACES, ROOT } from './paths.mjs';

const SOURCES = path.join(ROOT, 'src');

/** Files that are served or embedded as they are; the compiler leaves them out. */
const KINDS = new Set(['.html', '.css', '.js']);

/** Copies pages, with their styles and scripts, from src/ to the same places in dist/. */
export function copyPages() {
  for (const entry of readdirSync(SOURCES, { recursive: true })) {
    const file = String(entry);
    if (KINDS.has(path.extname(file))) cpSync(path.join(SOURCES, file), path.join(PLACES.dist, file));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) copyPages();
