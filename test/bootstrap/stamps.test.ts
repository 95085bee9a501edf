import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isFresh, keyOf, keyOfFiles, removeStamp, writeStamp } from '../../scripts/bootstrap/stamps.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'goshawk-stamps-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('a step is fresh for the inputs it was stamped with, and for no others', () => {
  const key = keyOf(['x64', 'lock']);
  expect(isFresh('step', key, folder)).toBe(false);
  writeStamp('step', key, path.join(folder));
  expect(isFresh('step', key, folder)).toBe(true);
  expect(isFresh('step', keyOf(['arm64', 'lock']), folder)).toBe(false);
  expect(isFresh('other', key, folder)).toBe(false);
});

it('a step that was restarted and did not finish is not fresh', () => {
  writeStamp('step', 'key', folder);
  removeStamp('step', folder);
  expect(isFresh('step', 'key', folder)).toBe(false);
  expect(() => {
    removeStamp('step', folder);
  }).not.toThrow();
});

it('inputs cannot shift into one another', () => {
  expect(keyOf(['ab', 'c'])).not.toBe(keyOf(['a', 'bc']));
  expect(keyOf(['a', ''])).not.toBe(keyOf(['a']));
});

it('the digest of files changes with contents, names and depth', () => {
  const source = path.join(folder, 'src');
  mkdirSync(path.join(source, 'deep'), { recursive: true });
  writeFileSync(path.join(source, 'deep/a.ts'), 'one');
  const first = keyOfFiles([source]);
  expect(keyOfFiles([source])).toBe(first);
  writeFileSync(path.join(source, 'deep/a.ts'), 'two');
  const second = keyOfFiles([source]);
  expect(second).not.toBe(first);
  writeFileSync(path.join(source, 'b.ts'), '');
  expect(keyOfFiles([source])).not.toBe(second);
  const third = keyOfFiles([source]);
  mkdirSync(path.join(source, '__pycache__'));
  expect(keyOfFiles([source])).toBe(third);
  expect(keyOfFiles([path.join(folder, 'absent')])).toBe(keyOfFiles([]));
});
