import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { copyPages } from '../../scripts/bootstrap/copy-pages.mjs';

let root: string;
let from: string;
let to: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'goshawk-pages-'));
  [from, to] = [join(root, 'src'), join(root, 'dist')];
  mkdirSync(join(from, 'web/page'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const copied = (name: string): string => readFileSync(join(to, 'web/page', name), 'utf8');

it('pages, styles and scripts are copied to the same place, compiled sources are not', () => {
  for (const name of ['index.html', 'page.css', 'page.js', 'routes.ts'])
    writeFileSync(join(from, 'web/page', name), name);
  copyPages(from, to);
  for (const name of ['index.html', 'page.css', 'page.js']) expect(copied(name)).toBe(name);
  expect(existsSync(join(to, 'web/page/routes.ts'))).toBe(false);
});
