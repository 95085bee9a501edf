import { describe, expect, it } from 'vitest';
import { parseImage, toImageView, type CdrImage } from '../../../src/core/cdr/image.ts';
import { encodeImage, type ImageFields } from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';
import type { RefusalReason } from '../../../src/core/refusal.ts';
import { DROP_REASONS, type DropReason } from '../../../src/contract/drops.ts';
import { golden, goldenBytes, goldenPixels } from './golden.ts';

const HEADER = { stamp: { sec: 1700000000, nanosec: 123456789 }, frameId: 'cam' };

function parsed(bytes: Uint8Array): CdrImage {
  const image = parseImage(bytes);
  if (!image.ok) throw new Error(image.detail);
  return image;
}

function message(fields: Partial<ImageFields>, dataLength: number, frameId = 'cam'): Uint8Array {
  const whole = { height: 4, width: 6, encoding: 'mono8', step: 6, ...fields };
  return encodeImage(new CdrWriter(), { ...HEADER, frameId }, whole, goldenPixels(dataLength)).slice();
}

describe('parseImage', () => {
  it.each(golden.images)('reads what rclpy wrote: $name', (expected) => {
    const bytes = goldenBytes(expected.name);
    const image = parsed(bytes);
    expect(image).toMatchObject({
      stamp: expected.header.stamp,
      frameId: expected.header.frameId,
      height: expected.height,
      width: expected.width,
      encoding: expected.encoding,
      isBigEndian: expected.isBigEndian,
      step: expected.step,
    });
    expect(image.data).toEqual(goldenPixels(expected.dataLength));
    expect(image.data.buffer).toBe(bytes.buffer);
  });

  it('reads big-endian messages', () => {
    const image = parsed(goldenBytes('big-endian-image'));
    expect(image).toMatchObject({
      ...HEADER,
      height: 1,
      width: 2,
      encoding: 'mono8',
      isBigEndian: true,
      step: 3,
    });
    expect(image.data).toEqual(Uint8Array.of(11, 22, 33));
    expect(toImageView(image)).toMatchObject({
      ok: true,
      view: { encoding: 'mono8', width: 2, height: 1, step: 3 },
    });
  });

  it('reads a message that starts anywhere in a larger Buffer', () => {
    const whole = goldenBytes('image-rgb8-21');
    for (let shift = 0; shift < 4; shift++) {
      const pool = Buffer.alloc(whole.length + 8, 0xaa);
      pool.set(whole, shift);
      const image = parsed(pool.subarray(shift, shift + whole.length));
      expect(image.data).toEqual(goldenPixels(84));
      expect(Buffer.isBuffer(image.data)).toBe(false);
    }
  });

  it('refuses a message cut short at every length', () => {
    const whole = goldenBytes('image-rgb8-21');
    for (let length = 0; length < whole.length; length++) {
      expect(parseImage(whole.subarray(0, length))).toMatchObject({ ok: false, reason: 'malformed' });
    }
  });

  it.each([
    [0x0002, 'unsupported_encoding', 'PL_CDR_BE'],
    [0x0003, 'unsupported_encoding', 'PL_CDR_LE'],
    [0x0006, 'unsupported_encoding', 'CDR2_BE'],
    [0x0007, 'unsupported_encoding', 'CDR2_LE'],
    [0x0009, 'unsupported_encoding', 'D_CDR2_LE'],
    [0x000b, 'unsupported_encoding', 'PL_CDR2_LE'],
    [0x0100, 'malformed', '0x0100 is not defined'],
    [0xffff, 'malformed', '0xffff is not defined'],
  ])('refuses encapsulation %i', (id, reason, words) => {
    const bytes = message({}, 24);
    bytes[0] = id >> 8;
    bytes[1] = id & 255;
    expect(parseImage(bytes)).toMatchObject({
      ok: false,
      reason,
      detail: expect.stringContaining(words) as string,
    });
  });

  it.each([
    [0, 6],
    [4, 0],
    [0, 0],
    [8192, 8192],
    [8193, 1],
    [1, 8193],
    [7680, 4321],
    [0xffffffff, 0xffffffff],
  ])('refuses a size of %i x %i before it looks at the data', (height, width) => {
    expect(parseImage(message({ height, width }, 4))).toMatchObject({ ok: false, reason: 'bad_size' });
  });

  // "cam" starts at 4 (encapsulation) + 8 (stamp) + 4 (length)
  it.each([
    ['no NUL at the end', 19, [0x61], 'does not end with NUL'],
    ['a NUL inside', 17, [0x00], 'not UTF-8 text without NUL'],
    ['bytes that are not UTF-8', 16, [0xc3, 0x28], 'not UTF-8 text without NUL'],
    ['an overlong form', 16, [0xc0, 0xaf], 'not UTF-8 text without NUL'],
    ['a lying length', 12, [0xff, 0xff, 0xff, 0xff], 'header.frame_id needs 4294967295 bytes'],
  ])('refuses a frame id with %s', (_, offset, patch, words) => {
    const bytes = message({}, 24);
    bytes.set(patch, offset);
    expect(parseImage(bytes)).toMatchObject({
      reason: 'malformed',
      detail: expect.stringContaining(words) as string,
    });
  });

  it('reads a string of length 0 as empty, as Fast-CDR does, and text beyond ASCII', () => {
    const writer = new CdrWriter().begin();
    for (const value of [1, 2, 0, 4, 6, 0]) writer.uint32(value);
    writer.uint8(0);
    writer.uint32(6);
    writer.reserveByteSequence(0);
    expect(parsed(writer.finish())).toMatchObject({ frameId: '', encoding: '', height: 4, width: 6 });
    expect(parsed(message({}, 24, 'vörne/光学')).frameId).toBe('vörne/光学');
  });

  it('refuses nanoseconds that make a second', () => {
    const bytes = message({}, 24);
    new DataView(bytes.buffer).setUint32(8, 1_000_000_000, true);
    expect(parseImage(bytes)).toMatchObject({
      reason: 'malformed',
      detail: expect.stringContaining('nanosec') as string,
    });
  });

  it('refuses data whose length lies', () => {
    const bytes = message({}, 24);
    const lengthAt = bytes.length - 24 - 4;
    new DataView(bytes.buffer).setUint32(lengthAt, 25, true);
    expect(parseImage(bytes)).toMatchObject({
      reason: 'malformed',
      detail: 'data needs 25 bytes, but 24 remain',
    });
  });

  it('does not let one message leak into the next', () => {
    parseImage(Uint8Array.of(0, 1));
    expect(parsed(goldenBytes('image-mono8-6')).width).toBe(6);
  });

  it('returns reasons that the ledger knows', () => {
    const reasons: readonly (RefusalReason & DropReason)[] = [
      'malformed',
      'bad_size',
      'unsupported_encoding',
      'corrupt_image',
    ] satisfies RefusalReason[];
    for (const reason of reasons) expect(DROP_REASONS).toContain(reason);
  });
});

describe('toImageView', () => {
  it.each(golden.images)('accepts $name', ({ name, encoding, step }) => {
    const canonical: Record<string, string> = {
      '8UC1': 'mono8',
      '8UC3': 'bgr8',
      '8UC4': 'bgra8',
      yuv422: 'uyvy',
      yuv422_yuy2: 'yuyv',
      yuv420: 'i420',
    };
    const image = parsed(goldenBytes(name));
    const checked = toImageView(image);
    if (!checked.ok) throw new Error(checked.detail);
    expect(checked.view).toMatchObject({
      width: 6,
      height: 4,
      step,
      encoding: canonical[encoding] ?? encoding,
    });
    expect(checked.view.data).toBe(image.data);
  });

  it.each([
    ['mono16', 12, 0, 48, 'mono16'],
    ['mono16', 12, 1, 48, 'mono16be'],
    ['nv21', 6, 0, 36, 'nv21'],
    ['NV21', 6, 1, 36, 'nv21'],
    ['bayer_rggb8', 6, 0, 24, 'bayer_rggb8'],
    ['bayer_grbg8', 6, 1, 24, 'bayer_grbg8'],
    ['bayer_gbrg16', 12, 0, 48, 'bayer_gbrg16'],
    ['bayer_bggr16', 12, 1, 48, 'bayer_bggr16be'],
  ] as const)('takes %s of step %i, is_bigendian %i', (encoding, step, isBigEndian, bytes, canonical) => {
    const fields = { encoding, step, isBigEndian: isBigEndian === 1 };
    const checked = toImageView({ ...parsed(message({}, 24)), ...fields, data: new Uint8Array(bytes) });
    expect(checked).toMatchObject({ ok: true, view: { encoding: canonical, step } });
  });

  it('refuses a mosaic too small to interpolate colors', () => {
    const small = { ...parsed(message({}, 24)), encoding: 'bayer_rggb8', width: 2, height: 4, step: 2 };
    expect(toImageView({ ...small, data: new Uint8Array(8) })).toMatchObject({
      reason: 'bad_size',
      detail: 'bayer_rggb8 of 2x4 is too small to interpolate colors',
    });
  });

  it.each([
    ['16UC1', 'wider than 8 bits'],
    ['rgb16', 'wider than 8 bits'],
    ['32FC1', 'wider than 8 bits'],
    ['bayer_rggb12', 'Bayer'],
    ['bayer_rgb8', 'Bayer'],
    ['', 'is unknown'],
    ['constructor', 'is unknown'],
    ['nv16', 'is unknown'],
  ])('refuses %s and names what is supported', (encoding, words) => {
    const image = parsed(message({ encoding }, 24));
    const refusal = toImageView(image);
    expect(refusal).toMatchObject({ ok: false, reason: 'unsupported_encoding' });
    if (refusal.ok) return;
    expect(refusal.detail).toContain(JSON.stringify(encoding));
    expect(refusal.detail).toContain(words);
    expect(refusal.detail).toContain('rgb8, bgr8, rgba8, bgra8, mono8');
  });

  it.each([
    [
      'step below a row',
      { encoding: 'rgb8', step: 17 },
      17 * 4,
      'malformed',
      'a row of 6 pixels in rgb8 takes 18',
    ],
    ['step of zero', { step: 0 }, 0, 'malformed', 'step is 0'],
    ['data one byte short', { encoding: 'rgb8', step: 18 }, 71, 'malformed', 'data has 71 bytes'],
    ['data one byte long', { encoding: 'rgb8', step: 18 }, 73, 'malformed', 'data has 73 bytes'],
    ['step that overflows 32 bits', { step: 0xffffffff }, 24, 'malformed', 'data has 24 bytes'],
    ['nv12 without chroma', { encoding: 'nv12' }, 24, 'malformed', 'has 36'],
    ['i420 with luma twice', { encoding: 'i420' }, 48, 'malformed', 'has 36'],
    ['nv12 of odd width', { encoding: 'nv12', width: 5 }, 36, 'bad_size', '5x4'],
    ['nv12 of odd height', { encoding: 'nv12', height: 3 }, 27, 'bad_size', '6x3'],
    ['i420 of odd width', { encoding: 'i420', width: 5 }, 36, 'bad_size', '5x4'],
    ['i420 of odd step', { encoding: 'i420', step: 7 }, 42, 'malformed', 'chroma step'],
    ['uyvy of odd width', { encoding: 'uyvy', width: 5, step: 12 }, 48, 'bad_size', '5x4'],
    ['yuyv of odd width', { encoding: 'yuyv', width: 5, step: 12 }, 48, 'bad_size', '5x4'],
  ] as const)('refuses %s', (_, fields, dataLength, reason, words) => {
    const image = parsed(message(fields, dataLength));
    expect(toImageView(image)).toMatchObject({
      ok: false,
      reason,
      detail: expect.stringContaining(words) as string,
    });
  });

  it('accepts encoding names in capitals, as some drivers write them', () => {
    for (const encoding of ['NV12', 'YUYV', 'BGR8', '8uc3']) {
      const dataLength = { NV12: 36 * 3 }[encoding] ?? 18 * 4;
      const image = parsed(message({ encoding, step: 18 }, dataLength));
      expect(toImageView(image).ok).toBe(true);
    }
  });
});
