import { describe, expect, it } from 'vitest';
import { admit } from '../../../src/core/admission/admit.ts';
import { parseCompressedImage, toCompressedView } from '../../../src/core/cdr/compressed-image.ts';
import { isColor } from '../../../src/device/camera/recorded-image.ts';
import { encodePng } from '../../../src/device/imaging/encode-image.ts';
import { openUpright } from '../../../src/device/imaging/upright.ts';
import { golden, goldenBytes } from './golden.ts';

const STAMP = { sec: 0, nanosec: 0 };
/** the header of a JPEG of 3x2 */
const JPEG = [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 2, 0, 3, 3];
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** the header of a PNG of 4x4 in color */
const PNG = [...PNG_SIGNATURE, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 4, 0, 0, 0, 4, 8, 2, 0, 0, 0];
const SVG = [...'<svg xmlns="http://www.w3.org/2000/svg"/>'].map((c) => c.charCodeAt(0));

describe('parseCompressedImage', () => {
  it.each(golden.compressed)('reads what rclpy wrote: $name', ({ name, header, format, data }) => {
    const bytes = goldenBytes(name);
    const message = parseCompressedImage(bytes);
    if (!message.ok) throw new Error(message.detail);
    expect(message).toEqual({ ok: true, ...header, format, data: Uint8Array.from(data) });
    expect(message.data.buffer).toBe(bytes.buffer);
  });

  it('reads big-endian messages', () => {
    expect(parseCompressedImage(goldenBytes('big-endian-compressed'))).toEqual({
      ok: true,
      stamp: { sec: 1700000000, nanosec: 123456789 },
      frameId: 'c',
      format: 'jpeg',
      data: Uint8Array.of(0xff, 0xd8, 0xff, 0xe0),
    });
  });

  it('refuses a message cut short at every length', () => {
    const whole = goldenBytes('compressed-transport');
    for (let length = 0; length < whole.length; length++) {
      expect(parseCompressedImage(whole.subarray(0, length))).toMatchObject({
        ok: false,
        reason: 'malformed',
      });
    }
  });
});

describe('toCompressedView', () => {
  const view = (format: string, data: number[]) =>
    toCompressedView({ stamp: STAMP, frameId: '', format, data: Uint8Array.from(data) });

  it.each([
    ['jpeg', JPEG, 'jpeg'],
    ['bgr8; jpeg compressed bgr8', JPEG, 'jpeg'],
    ['png', PNG, 'png'],
    ['jpeg', PNG, 'png'],
    ['', JPEG, 'jpeg'],
  ])('takes format "%s" by its first bytes', (format, data, expected) => {
    expect(view(format, data)).toMatchObject({
      ok: true,
      view: { format: expected, data: Uint8Array.from(data) },
    });
  });

  it.each([
    ['16UC1; compressedDepth png', PNG, 'unsupported_encoding'],
    ['webp', [0x52, 0x49, 0x46, 0x46], 'unsupported_encoding'],
    ['jpeg', SVG, 'corrupt_image'],
    ['png', PNG.slice(0, 7), 'corrupt_image'],
    ['jpeg', [], 'corrupt_image'],
    ['jpegs', SVG, 'unsupported_encoding'],
    ['jpeg', JPEG.slice(0, 8), 'corrupt_image'],
    ['png', PNG_SIGNATURE, 'corrupt_image'],
    ['', JPEG.slice(0, 8), 'corrupt_image'],
  ])('refuses format "%s" with foreign bytes', (format, data, reason) => {
    expect(view(format, data)).toMatchObject({ ok: false, reason });
  });

  describe('PNG by depth and color', () => {
    /** The header of a PNG of 4x4 with a bit depth and a color type. */
    const header = (depth: number, type: number): number[] => [
      ...[...PNG_SIGNATURE, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 4, 0, 0, 0, 4],
      ...[depth, type, 0, 0, 0],
    ];

    it.each([
      ['png', 8, 0],
      ['png', 8, 2],
      ['png', 8, 3],
      ['png', 8, 6],
      ['png', 16, 2],
      ['png', 16, 6],
      ['mono16; png compressed ', 16, 0],
    ])('takes format "%s" of %i bits and color type %i', (format, depth, type) => {
      expect(view(format, header(depth, type)).ok).toBe(true);
    });

    it.each([
      ['png', 16, 0],
      ['png', 16, 4],
      ['16UC1; png compressed ', 16, 0],
    ])('refuses format "%s" of %i bits and color type %i as a depth image', (format, depth, type) => {
      expect(view(format, header(depth, type))).toMatchObject({
        reason: 'unsupported_encoding',
        detail: expect.stringContaining('taken for a depth image') as string,
      });
    });
  });

  it('walks through the header once, however many ask for it afterwards', async () => {
    const file = await encodePng(new Uint8Array(64 * 48 * 3), 64, 48);
    let reads = 0;
    const data = new Proxy(file, {
      get: (target, key) => {
        // the type of the first chunk: read only by the walk
        if (key === '12') reads += 1;
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const checked = toCompressedView({ stamp: STAMP, frameId: '', format: 'png', data });
    expect(reads).toBe(1);
    if (!checked.ok) throw new Error(checked.detail);
    expect(admit(checked.view)).toMatchObject({ width: 64, height: 48 });
    await openUpright({ ...checked.view, data: file }, 64 * 48)
      .raw()
      .toBuffer();
    expect(reads).toBe(1);
    expect(isColor(checked.view)).toBe(true);
    expect(reads).toBe(1);
  });

  it('refuses a size above the limit before anything is decoded', () => {
    // a PNG header of 8192 x 8192 and a JPEG frame header of 0 x 600
    const png = [...PNG_SIGNATURE, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0x20, 0, 0, 0, 0x20, 0];
    const jpeg = [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0x02, 0x58, 0, 0, 3];
    expect(view('png', png)).toMatchObject({
      reason: 'bad_size',
      detail: expect.stringContaining('8192x8192') as string,
    });
    expect(view('jpeg', jpeg)).toMatchObject({
      reason: 'bad_size',
      detail: expect.stringContaining('0x600') as string,
    });
  });
});
