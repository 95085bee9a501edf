import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFileWhole } from '../../src/platform/atomic-file.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-atomic-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('writes part of a larger buffer and leaves nothing else in the folder', async () => {
  const bytes = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
  await writeFileWhole(join(folder, 'out'), bytes);
  expect([...(await readFile(join(folder, 'out')))]).toEqual([1, 2, 3]);
  expect(await readdir(folder)).toEqual(['out']);
});

it('keeps the mode of a file that it replaces', async () => {
  const file = join(folder, 'out');
  await writeFile(file, 'old');
  await chmod(file, 0o640);
  await writeFileWhole(file, 'new');
  expect(await readFile(file, 'utf8')).toBe('new');
  expect((await stat(file)).mode & 0o777).toBe(0o640);
});

it('follows a link instead of replacing it', async () => {
  await writeFile(join(folder, 'target'), 'old');
  await symlink('target', join(folder, 'link'));
  await writeFileWhole(join(folder, 'link'), 'new');
  expect(await readFile(join(folder, 'target'), 'utf8')).toBe('new');
  expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
});

it('leaves one complete text when many write concurrently', async () => {
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(50_000));
  await Promise.all(texts.map((text) => writeFileWhole(join(folder, 'out'), text)));
  expect(texts).toContain(await readFile(join(folder, 'out'), 'utf8'));
  expect(await readdir(folder)).toEqual(['out']);
});

it('leaves the old content if the new file cannot be moved into place', async () => {
  await expect(writeFileWhole(folder, 'text')).rejects.toThrow('EISDIR');
  expect(await readdir(folder)).toEqual([]);
});
