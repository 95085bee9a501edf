import { readdir } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import { ClipFile } from '../../../src/device/capture/clip-file.ts';
import { ClipStore } from '../../../src/device/capture/clip-store.ts';
import type { writeFileWhole } from '../../../src/platform/atomic-file.ts';
import { capturing, jpegOf } from './captured.ts';

/** Bytes that still fit on the disk, for clips and their records alike. */
const disk = vi.hoisted(() => ({ left: Infinity }));

function take(bytes: number): void {
  if (bytes > disk.left) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  disk.left -= bytes;
}

vi.mock('../../../src/platform/atomic-file.ts', async (load) => {
  const { writeFileWhole: write } = await load<{ writeFileWhole: typeof writeFileWhole }>();
  return {
    writeFileWhole: async (file: string, data: string | Uint8Array) => {
      take(data.length);
      await write(file, data);
    },
  };
});

it('a disk that fills while a clip is written, and has no room for its record, keeps what was written', async () => {
  const { value: write } = Object.getOwnPropertyDescriptor(ClipFile.prototype, 'write') as {
    value: ClipFile['write'];
  };
  vi.spyOn(ClipFile.prototype, 'write').mockImplementation(async function (this: ClipFile, bytes) {
    const fits = Math.min(bytes.length, disk.left);
    disk.left -= fits;
    await write.call(this, bytes.subarray(0, fits));
    take(bytes.length - fits);
  });
  const { clip, reading, part, offered, folder } = await capturing();
  const images = await Promise.all(Array.from({ length: 20 }, (_, i) => jpegOf(i)));
  disk.left = 200_000;
  await clip(images, images.slice(0, 10));
  expect(disk.left).toBe(0);
  expect(part.health()).toEqual([expect.stringMatching(/^GOSHAWK_CAPTURE_UNWRITABLE: .*ENOSPC/)]);
  expect(reading()).toMatchObject({ clips: 1, recorded: { manual: 0 } });
  const [kept] = offered as [{ readonly clip: string; readonly frames: number; readonly bytes: number }];
  expect(kept.frames).toBeGreaterThan(5);
  expect((await readdir(folder)).sort()).toEqual([`${kept.clip}.json`, `${kept.clip}.mcap`, 'requests']);
  // the next start knows it, and while there is still no room it can be sent and removed as well
  const { clips, recovered } = await ClipStore.open(folder, 1 << 30, () => undefined);
  expect(clips).toEqual([expect.objectContaining({ ...kept, complete: false })]);
  expect(recovered).toEqual(clips);
});
