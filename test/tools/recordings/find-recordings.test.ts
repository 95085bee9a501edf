import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findRecordings } from '../../../src/tools/recordings/find-recordings.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-recordings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function place(...path: readonly string[]): string {
  const file = join(folder, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '');
  return file;
}

it('finds files, recordings in folders, and folders of rosbag2 as one', async () => {
  const b = place('clips', 'b.mcap');
  const a = place('clips', 'a.db3.zstd');
  place('clips', 'notes.txt');
  place('clips', 'bag', 'metadata.yaml');
  place('clips', 'bag', 'bag_0.mcap');
  const nested = place('clips', 'day', 'c.mcap');
  const found = await findRecordings([join(folder, 'clips'), b]);
  expect(found).toEqual([a, b, join(folder, 'clips', 'bag'), nested]);
});

it('refuses what is not there, and a folder without recordings', async () => {
  mkdirSync(join(folder, 'empty'));
  await expect(findRecordings([join(folder, 'none')])).rejects.toMatchObject({
    code: 'GOSHAWK_FILE_UNREADABLE',
  });
  await expect(findRecordings([join(folder, 'empty')])).rejects.toMatchObject({ code: 'GOSHAWK_USAGE' });
});
