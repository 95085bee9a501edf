import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { CompressedView } from '../../../src/core/image/image-view.ts';
import { admit } from '../../../src/core/admission/admit.ts';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { decodeToRgb } from '../../../src/device/imaging/decode-image.ts';
import { SharpLetterboxer } from '../../../src/device/imaging/sharp-letterbox.ts';
import { describeWith, FOREIGN_FILES, SHARED } from '../../support/needs.ts';

const WIDTH = 48;
const HEIGHT = 32;

/** Stored pixels whose red encodes the column and whose green encodes the row, in steps that survive JPEG. */
function storedAt(x: number, y: number): [number, number, number] {
  return [Math.floor(x / 8) * 40, Math.floor(y / 8) * 60, 128];
}

/** The stored position of a pixel of the upright image, by the definitions of EXIF 2.32, 4.6.4 A. */
const SOURCE: Readonly<Record<number, (x: number, y: number) => readonly [number, number]>> = {
  1: (x, y) => [x, y],
  2: (x, y) => [WIDTH - 1 - x, y],
  3: (x, y) => [WIDTH - 1 - x, HEIGHT - 1 - y],
  4: (x, y) => [x, HEIGHT - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y) => [y, HEIGHT - 1 - x],
  7: (x, y) => [WIDTH - 1 - y, HEIGHT - 1 - x],
  8: (x, y) => [WIDTH - 1 - y, x],
};

/** A TIFF header with one directory of one entry: the orientation. */
function tiff(orientation: number, little: boolean): Buffer {
  const data = Buffer.alloc(26);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, 1, little);
  view.setUint16(10, 0x0112, little);
  view.setUint16(12, 3, little);
  view.setUint32(14, 1, little);
  view.setUint16(18, orientation, little);
  return data;
}

const pixels = Buffer.from(
  Array.from({ length: WIDTH * HEIGHT }, (_, i) => storedAt(i % WIDTH, Math.floor(i / WIDTH))).flat(),
);
const raw = { raw: { width: WIDTH, height: HEIGHT, channels: 3 as const } };

async function jpeg(orientation: number, little = true): Promise<CompressedView> {
  const plain = await sharp(pixels, raw).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
  const exif = Buffer.concat([Buffer.from('Exif\0\0'), tiff(orientation, little)]);
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return { format: 'jpeg', data: Buffer.concat([plain.subarray(0, 2), head, exif, plain.subarray(2)]) };
}

/** The CRC of PNG chunks (ISO 15948, annex D). */
function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

async function png(orientation: number, atEnd: boolean): Promise<CompressedView> {
  const plain = await sharp(pixels, raw).png().toBuffer();
  const body = Buffer.concat([Buffer.from('eXIf'), tiff(orientation, false)]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc(body), body.length + 4);
  const at = atEnd ? plain.length - 12 : 33;
  return { format: 'png', data: Buffer.concat([plain.subarray(0, at), chunk, plain.subarray(at)]) };
}

async function expectUpright(view: CompressedView, orientation: number): Promise<void> {
  const swapped = orientation >= 5;
  const size = { width: swapped ? HEIGHT : WIDTH, height: swapped ? WIDTH : HEIGHT };
  expect(admit(view)).toMatchObject(size);
  const decoded = await decodeToRgb(view);
  expect(decoded).toMatchObject(size);
  const source = SOURCE[orientation] ?? SOURCE[1]!;
  const letterbox = letterboxFor(size.width, size.height, size.width, size.height, 'top-left');
  const boxed = new Uint8Array(size.width * size.height * 3);
  await new SharpLetterboxer().run(view, letterbox, { padValue: 0, resize: 'average' }, boxed);
  for (let y = 3; y < size.height; y += 8) {
    for (let x = 3; x < size.width; x += 8) {
      const expected = storedAt(...source(x, y));
      const at = (y * size.width + x) * 3;
      for (const found of [decoded.data, boxed]) {
        expected.forEach((value, c) => expect(Math.abs(found[at + c]! - value)).toBeLessThanOrEqual(8));
      }
    }
  }
}

describe('an image with EXIF orientation is turned upright', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('JPEG %i', async (orientation) => {
    await expectUpright(await jpeg(orientation), orientation);
    await expectUpright(await jpeg(orientation, false), orientation);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('PNG %i', async (orientation) => {
    await expectUpright(await png(orientation, false), orientation);
    await expectUpright(await png(orientation, true), orientation);
  });

  it.each([0, 9, 300])('unless the orientation is invalid: %i', async (orientation) => {
    await expectUpright(await jpeg(orientation), 1);
  });

  it('also when it is scaled down for the network', async () => {
    const letterbox = letterboxFor(HEIGHT, WIDTH, 16, 24, 'top-left');
    const boxed = new Uint8Array(16 * 24 * 3);
    await new SharpLetterboxer().run(await jpeg(6), letterbox, { padValue: 0, resize: 'average' }, boxed);
    const at = (17 * 16 + 5) * 3;
    const expected = storedAt(...SOURCE[6]!(10, 34));
    expected.forEach((value, c) => expect(Math.abs(boxed[at + c]! - value)).toBeLessThanOrEqual(12));
  });
});

describe('a PNG of 16 bits is scaled to 8', () => {
  it.each([1, 3] as const)('with %i channels', async (channels) => {
    const samples = Uint16Array.from(
      { length: 16 * 16 * channels },
      (_, i) => (i % channels) * 20_000 + 0x30ff,
    );
    const raw16 = { raw: { width: 16, height: 16, channels, depth: 'ushort' as const } };
    const colors = channels === 1 ? ('grey16' as const) : ('rgb16' as const);
    const data = await sharp(samples, raw16).toColourspace(colors).png().toBuffer();
    expect(data[24]).toBe(16);
    const decoded = await decodeToRgb({ format: 'png', data });
    const expected = [0, 1, 2].map((c) => Math.floor((samples[channels === 1 ? 0 : c] ?? 0) / 256));
    expected.forEach((value, c) => expect(Math.abs(decoded.data[c]! - value)).toBeLessThanOrEqual(1));
    const letterbox = letterboxFor(16, 16, 16, 16, 'top-left');
    const boxed = new Uint8Array(16 * 16 * 3);
    await new SharpLetterboxer().run(
      { format: 'png', data },
      letterbox,
      { padValue: 0, resize: 'average' },
      boxed,
    );
    expected.forEach((value, c) => expect(Math.abs(boxed[c]! - value)).toBeLessThanOrEqual(1));
  });
});

describeWith(FOREIGN_FILES, 'a foreign image', () => {
  it('is as high as its stored one is wide', async () => {
    const view: CompressedView = { format: 'jpeg', data: await readFile(join(SHARED, 'faults/exif6.jpg')) };
    expect(await decodeToRgb(view)).toMatchObject({ width: 640, height: 360 });
  });
});
