import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inTemporaryFolder } from '../../src/platform/temporary-folder.ts';

it('a temporary folder is its owner’s, and goes with what is in it once the work has ended or failed', async () => {
  const folders: string[] = [];
  const fill = (folder: string): Promise<number> => {
    folders.push(folder);
    writeFileSync(join(folder, 'file'), '');
    return Promise.resolve(statSync(folder).mode & 0o777);
  };
  expect(await inTemporaryFolder('test', fill)).toBe(0o700);
  const failed = inTemporaryFolder('test', async (folder) => {
    await fill(folder);
    throw new Error('failed');
  });
  await expect(failed).rejects.toThrow('failed');
  expect(new Set(folders).size).toBe(2);
  expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
});
