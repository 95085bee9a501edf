import { cpSync, readdirSync, watch } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLACES, ROOT } from './paths.mjs';

const SOURCES = path.join(ROOT, 'src');

/** Files that are served or embedded as they are; the compiler leaves them out. */
const KINDS = new Set(['.html', '.css', '.js']);

/** A save comes as several events. */
const SAVE_MS = 100;

/** @param {string} file */
const isPage = (file) => KINDS.has(path.extname(file));

/** Copies pages, with their styles and scripts, to the places in dist/ that they have in src/. */
export function copyPages(from = SOURCES, to = PLACES.dist) {
  for (const entry of readdirSync(from, { recursive: true })) {
    const file = String(entry);
    if (isPage(file)) cpSync(path.join(from, file), path.join(to, file));
  }
}

/**
 * Copies pages whenever one of them is saved, until the watcher is closed.
 * @param {() => void} onCopied
 * @returns {{close: () => void}}
 */
export function watchPages(onCopied, from = SOURCES, to = PLACES.dist) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const watcher = watch(from, { recursive: true }, (_event, file) => {
    if (file === null || !isPage(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      copyPages(from, to);
      onCopied();
    }, SAVE_MS);
  });
  return {
    close: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) copyPages();
