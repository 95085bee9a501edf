import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkOutputFiles, checkOutputFolder, writeOutput } from '../../src/platform/outputs.ts';

let folder: string;
const below = (...names: string[]): string => join(folder, ...names);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-outputs-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const refusal = (words: string): object => ({
  code: 'GOSHAWK_OUTPUT_REFUSED',
  message: expect.stringContaining(words) as unknown,
});

describe('a file', () => {
  it('that can be written leaves no trace of the check', async () => {
    await writeFile(below('old.json'), 'old');
    await checkOutputFiles(below('new.json'), undefined, '', below('old.json'), '/dev/null');
    expect(await readdir(folder)).toEqual(['old.json']);
    expect(await readFile(below('old.json'), 'utf8')).toBe('old');
  });

  it.each([
    ['in a folder that does not exist', ['no', 'such', 'x.json'], 'there is no folder'],
    ['below a file', ['file', 'x.json'], 'ENOTDIR'],
    ['that is a folder', ['folder'], 'it is a folder'],
    ['that is a link to nothing', ['link'], 'a link to something that does not exist'],
  ])('%s is refused', async (_what, names, words) => {
    await writeFile(below('file'), '');
    await mkdir(below('folder'));
    await symlink(below('gone', 'target'), below('link'));
    await expect(checkOutputFiles(below(...names))).rejects.toMatchObject(refusal(words));
  });

  it('where the kernel accepts none, even from root, is refused', async () => {
    await expect(checkOutputFiles('/proc/goshawk-report.json')).rejects.toMatchObject(refusal('/proc/'));
  });

  it('for two outputs is refused', async () => {
    const files = [below('a.json'), below('sub', '..', 'a.json')];
    await expect(checkOutputFiles(...files)).rejects.toMatchObject(refusal('two outputs'));
  });

  it('that cannot be written after all yields a code', async () => {
    await expect(writeOutput(below('no', 'x'), 'text')).rejects.toMatchObject(refusal('ENOENT'));
  });
});

describe('a folder', () => {
  it('that exists, or can be created, leaves no trace of the check', async () => {
    await checkOutputFolder(folder);
    await checkOutputFolder(below('a', 'b', 'c'));
    expect(await readdir(folder)).toEqual([]);
  });

  it('below a file is refused', async () => {
    await writeFile(below('file'), '');
    await expect(checkOutputFolder(below('file', 'models'))).rejects.toMatchObject(refusal('ENOTDIR'));
    await expect(checkOutputFolder(below('file'))).rejects.toMatchObject(refusal('is not a folder'));
  });
});
