import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeJpeg, encodePng } from '../../../src/device/imaging/encode-image.ts';
import { decodeImageFile, listImageFiles, readImageFile } from '../../../src/device/imaging/image-file.ts';
import { rawImage } from '../pipeline/fakes.ts';

const rgb = rawImage('rgb8', 24, 16).data;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-images-'));
  const png = await encodePng(rgb, 24, 16);
  const depth = png.slice();
  depth.set([16, 0], 24);
  const jpeg = await encodeJpeg(rgb, 24, 16, 90);
  await writeFile(join(folder, 'a.png'), png);
  await writeFile(join(folder, 'png-by-another-name.jpg'), png);
  await writeFile(join(folder, 'jpeg-by-another-name.PNG'), jpeg);
  await writeFile(join(folder, 'depth.png'), depth);
  await writeFile(join(folder, 'cut.jpeg'), jpeg.subarray(0, jpeg.length / 2));
  await writeFile(join(folder, 'text.jpg'), '<svg/>');
  await writeFile(join(folder, 'notes.txt'), 'no image');
  await mkdir(join(folder, 'folder.png'));
});

afterAll(() => rm(folder, { recursive: true }));

describe('image files', () => {
  it('are listed by name', async () => {
    expect(await listImageFiles(folder)).toEqual([
      'a.png',
      'cut.jpeg',
      'depth.png',
      'folder.png',
      'jpeg-by-another-name.PNG',
      'png-by-another-name.jpg',
      'text.jpg',
    ]);
  });

  it.each([
    ['a.png', 'png'],
    ['png-by-another-name.jpg', 'png'],
    ['jpeg-by-another-name.PNG', 'jpeg'],
  ])('%s is read according to its bytes', async (name, format) => {
    const file = join(folder, name);
    expect(await readImageFile(file)).toMatchObject({ ok: true, view: { format } });
    const decoded = await decodeImageFile(file);
    expect(decoded).toMatchObject({ ok: true, view: { width: 24, height: 16, encoding: 'rgb8' } });
    if (decoded.ok && format === 'png') expect(decoded.view.data).toEqual(rgb);
  });

  it.each([
    ['depth.png', 'unsupported_encoding'],
    ['text.jpg', 'corrupt_image'],
    ['cut.jpeg', 'corrupt_image'],
  ])('%s is refused for the same reason as a frame', async (name, reason) => {
    expect(await decodeImageFile(join(folder, name))).toMatchObject({ ok: false, reason });
  });

  it.each(['folder.png', 'missing.png'])('%s cannot be read', async (name) => {
    await expect(decodeImageFile(join(folder, name))).rejects.toThrow();
  });
});
