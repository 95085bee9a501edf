import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** Folders of tools and caches, and data written by other programs. */
const SKIPPED = /(^|\/)(node_modules|golden|__pycache__|\.\w+)(\/|$)/;

/** A source file, by its path in the repository. */
export interface Source {
  readonly path: string;
  readonly lines: readonly string[];
}

/** Files below folders of the repository whose path matches, without golden data. */
export function readSources(folders: readonly string[], wanted: RegExp): Source[] {
  return folders
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !SKIPPED.test(path) && wanted.test(path))
    .map((path) => ({ path, lines: readFileSync(join(ROOT, path), 'utf8').split('\n') }));
}
