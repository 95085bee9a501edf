import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

it('what was copied and is gone is removed; what the compiler wrote stays', () => {
  writeFileSync(join(from, 'web/page', '001-first.sql'), '');
  mkdirSync(join(to, 'web/page'), { recursive: true });
  for (const name of ['001-first.sql', '002-second.sql', 'routes.js'])
    writeFileSync(join(to, 'web/page', name), '');
  copyPages(from, to);
  expect(readdirSync(join(to, 'web/page')).sort()).toEqual(['001-first.sql', 'routes.js']);
});
