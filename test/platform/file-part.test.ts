import { mkdtemp, open, rm, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FilePart } from '../../src/platform/file-part.ts';

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) & 255));

async function openBytes(): Promise<{ readonly path: string; readonly file: FileHandle }> {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-part-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'file');
  await writeFile(path, BYTES);
  return { path, file: await open(path, 'r') };
}

/** A handle that is closed has no descriptor. */
const isClosed = (file: FileHandle): boolean => file.fd === -1;

describe('a part of a file', () => {
  it.each([
    { start: 0, length: BYTES.length },
    { start: 0, length: 1 },
    { start: 65_535, length: 65_538 },
    { start: BYTES.length - 1, length: 1 },
  ])('has the bytes from $start on, $length of them, and closes the file', async (range) => {
    const { file } = await openBytes();
    const part = new FilePart(file, range);
    const expected = BYTES.subarray(range.start, range.start + range.length);
    expect((await buffer(part)).equals(expected)).toBe(true);
    expect([part.isRead, part.bytesRead, isClosed(file)]).toEqual([true, range.length, true]);
  });

  it('reads no further than a little ahead of who takes it', async () => {
    const { file } = await openBytes();
    const part = new FilePart(file, { start: 0, length: BYTES.length });
    part.read(0);
    while (part.bytesRead === 0) await setImmediate();
    for (let i = 0; i < 1_000; i += 1) await setImmediate();
    expect(part.bytesRead).toBe(64 << 10);
    expect((part.read(1_000) as Buffer).length).toBe(1_000);
    for (let i = 0; i < 1_000; i += 1) await setImmediate();
    expect(part.bytesRead).toBeLessThanOrEqual(128 << 10);
    part.destroy();
    await expect.poll(() => isClosed(file)).toBe(true);
    expect(part.isRead).toBe(false);
  });

  it('is an error where the file ends before', async () => {
    const { path, file } = await openBytes();
    await truncate(path, 100_000);
    const part = new FilePart(file, { start: 0, length: BYTES.length });
    await expect(buffer(part)).rejects.toThrow('the file ends before its last byte');
    await expect.poll(() => isClosed(file)).toBe(true);
  });
});
