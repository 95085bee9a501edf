import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, isRefused } from '../../../src/core/admission/admit.ts';
import { admitBytes } from '../../../src/core/admission/compressed.ts';
import { MAX_PIXELS, MAX_SIDE } from '../../../src/core/admission/limits.ts';
import { parseCompressedImage, toCompressedView } from '../../../src/core/cdr/compressed-image.ts';
import { parseImage, toImageView } from '../../../src/core/cdr/image.ts';
import { encodeCompressedImage, encodeImage } from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';
import { PIXEL_ENCODINGS, type CompressedView, type ImageView } from '../../../src/core/image/image-view.ts';
import { PIXEL_LAYOUTS, planeRows } from '../../../src/core/image/layout.ts';
import { rowBytes } from '../../support/row-bytes.ts';
import type { RefusalReason } from '../../../src/core/refusal.ts';
import { readRecordedImage } from '../../../src/device/camera/recorded-image.ts';
import { encodePng } from '../../../src/device/imaging/encode-image.ts';
import { rawImage } from '../../device/pipeline/fakes.ts';

const HEADER = { stamp: { sec: 1, nanosec: 2 }, frameId: 'cam' };

/** The result for an image without its text: its size, or the reason. */
type Verdict = string;

function verdictOf(image: ImageView | CompressedView): Verdict {
  const verdict = admit(image);
  return isRefused(verdict) ? verdict.reason : `${verdict.width}x${verdict.height}`;
}

type Answer =
  | { readonly ok: true; readonly view: ImageView | CompressedView }
  | { readonly ok: false; readonly reason: RefusalReason };

/** As the pipeline decides in the end: an image that a reader accepts is admitted again when it is offered. */
const afterReading = (answer: Answer): Verdict => (answer.ok ? verdictOf(answer.view) : answer.reason);

/** `sensor_msgs/msg/Image` for a layout whose byte order is a separate field. */
function cdrOf({ width, height, encoding, step, data }: ImageView): Uint8Array {
  const isBigEndian = encoding.endsWith('be');
  const name = isBigEndian ? encoding.slice(0, -2) : encoding;
  const bytes = encodeImage(new CdrWriter(), HEADER, { width, height, encoding: name, step }, data).slice();
  // is_bigendian: the byte before step, which is aligned to 4, and the length of the data
  if (isBigEndian) {
    const fieldsAt = bytes.length - data.length - 8;
    const nameEnd = 4 + 8 + 4 + 4 + 8 + 4 + name.length + 1;
    expect(nameEnd).toBeLessThan(fieldsAt);
    bytes[nameEnd] = 1;
  }
  return bytes;
}

/** Every way for a raw image into the process. */
const RAW_SOURCES: Readonly<Record<string, (image: ImageView) => Verdict>> = {
  'the pipeline': verdictOf,
  'a ROS message': (image) => {
    const message = parseImage(cdrOf(image));
    return afterReading(message.ok ? toImageView(message) : message);
  },
  'a recording': (image) => afterReading(readRecordedImage(cdrOf(image), 'raw')),
};

const compressedCdr = (data: Uint8Array): Uint8Array =>
  encodeCompressedImage(new CdrWriter(), HEADER, 'jpeg', data).slice();

/** Every way for a compressed image into the process. */
const COMPRESSED_SOURCES: Readonly<Record<string, (data: Uint8Array) => Verdict>> = {
  'the pipeline': (data) => verdictOf({ format: 'jpeg', data }),
  'a file': (data) => afterReading(admitBytes(data)),
  'a ROS message': (data) => {
    const message = parseCompressedImage(compressedCdr(data));
    return afterReading(message.ok ? toCompressedView(message) : message);
  },
  'a recording': (data) => afterReading(readRecordedImage(compressedCdr(data), 'compressed')),
};

const blank = (
  encoding: ImageView['encoding'],
  width: number,
  height: number,
  step: number,
  bytes?: number,
): ImageView => ({
  width,
  height,
  encoding,
  step,
  data: new Uint8Array(bytes ?? Math.floor(step * planeRows(encoding, height))),
});

describe.each(Object.keys(RAW_SOURCES))('raw images of %s', (source) => {
  const verdict = RAW_SOURCES[source]!;

  it.each(PIXEL_ENCODINGS)(
    'takes %s, with bytes after each row, and refuses it a byte short or long',
    (encoding) => {
      const image = rawImage(encoding, 16, 8, 6);
      expect(verdict(image)).toBe('16x8');
      const { data } = image;
      expect(verdict({ ...image, data: data.slice(0, -1) })).toBe('malformed');
      expect(verdict({ ...image, data: new Uint8Array(data.length + 1) })).toBe('malformed');
      expect(verdict({ ...image, step: rowBytes(encoding, 16) - 1 })).toBe('malformed');
    },
  );

  const faults: readonly [string, ImageView, Verdict][] = [
    ['no width', blank('rgb8', 0, 8, 0), 'bad_size'],
    ['no height', blank('rgb8', 8, 0, 24), 'bad_size'],
    ['a side at the limit', blank('mono8', MAX_SIDE, 1, MAX_SIDE), `${MAX_SIDE}x1`],
    ['a width above the limit', blank('mono8', MAX_SIDE + 1, 1, MAX_SIDE + 1), 'bad_size'],
    ['a height above the limit', blank('mono8', 1, MAX_SIDE + 1, 1), 'bad_size'],
    ['8K UHD', blank('mono8', 7680, 4320, 7680), '7680x4320'],
    ['8K UHD on its side', blank('mono8', 4320, 7680, 4320), '4320x7680'],
    ['a row more than 8K UHD', blank('mono8', 7680, 4321, 7680, 16), 'bad_size'],
    ['8192 x 8192', blank('mono8', 8192, 8192, 8192, 16), 'bad_size'],
    ['an odd width of yuyv', blank('yuyv', 5, 4, 10), 'bad_size'],
    ['an odd width of uyvy', blank('uyvy', 5, 4, 10), 'bad_size'],
    ['an odd width of nv12', blank('nv12', 63, 48, 63), 'bad_size'],
    ['an odd width of nv21', blank('nv21', 63, 48, 64), 'bad_size'],
    ['an odd width of i420', blank('i420', 63, 48, 64), 'bad_size'],
    ['an odd height of nv12', blank('nv12', 64, 47, 64), 'bad_size'],
    ['an odd height of i420', blank('i420', 64, 47, 64), 'bad_size'],
    ['an odd size of rgb8', blank('rgb8', 5, 3, 15), '5x3'],
    ['a mosaic without neighbors', blank('bayer_rggb8', 2, 4, 2), 'bad_size'],
    ['the smallest mosaic', blank('bayer_bggr16be', 3, 3, 6), '3x3'],
    ['an odd chroma step of i420', blank('i420', 6, 4, 7), 'malformed'],
    ['an odd chroma step of nv12', blank('nv12', 6, 4, 7), '6x4'],
    ['a step of zero', blank('mono8', 6, 4, 0), 'malformed'],
    ['a step that would overflow 32 bits', blank('mono8', 6, 4, 0xffffffff, 24), 'malformed'],
    ['two faults, of which the size counts', blank('nv12', 5, 4, 2, 3), 'bad_size'],
  ];

  it.each(faults)('one verdict on %s', (_, image, expected) => {
    expect(verdict(image)).toBe(expected);
  });
});

describe.each(Object.keys(COMPRESSED_SOURCES))('compressed images of %s', (source) => {
  const verdict = COMPRESSED_SOURCES[source]!;

  const png = encodePng(rawImage('rgb8', 20, 10).data, 20, 10);
  const claiming = async (
    width: number,
    height: number,
    bitDepth = 8,
    colorType = 2,
  ): Promise<Uint8Array> => {
    const data = new Uint8Array(await png);
    const view = new DataView(data.buffer);
    view.setUint32(16, width);
    view.setUint32(20, height);
    data.set([bitDepth, colorType], 24);
    return data;
  };

  it.each([
    [20, 10, '20x10'],
    [7680, 4320, '7680x4320'],
    [0, 10, 'bad_size'],
    [20, 0, 'bad_size'],
    [60_000, 60_000, 'bad_size'],
    [MAX_SIDE + 1, 1, 'bad_size'],
    [8192, 8192, 'bad_size'],
  ] as const)('goes by the size that the header claims: %i x %i', async (width, height, expected) => {
    expect(verdict(await claiming(width, height))).toBe(expected);
  });

  it('refuses 16-bit gray, which contains distances', async () => {
    expect(verdict(await claiming(20, 10, 16, 0))).toBe('unsupported_encoding');
    expect(verdict(await claiming(20, 10, 16, 2))).toBe('20x10');
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['SVG', new TextEncoder().encode('<svg/>')],
    ['the start of a JPEG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)],
    ['the start of a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
  ])('refuses %s', (_, data) => {
    expect(verdict(data)).toBe('corrupt_image');
  });
});

describe('admit', () => {
  it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 32])('refuses sides of %d', (side) => {
    expect(verdictOf({ ...rawImage('rgb8', 16, 8), width: side })).toBe('bad_size');
    expect(verdictOf({ ...rawImage('rgb8', 16, 8), height: side })).toBe('bad_size');
  });

  it('law: an admitted image has every byte that its layout promises', () => {
    const image = fc.record({
      encoding: fc.constantFrom(...PIXEL_ENCODINGS),
      width: fc.integer({ min: -1, max: 110 }),
      height: fc.integer({ min: -1, max: 90 }),
      step: fc.oneof(fc.integer({ min: -1, max: 500 }), fc.double()),
      extra: fc.integer({ min: -2, max: 2 }),
    });
    fc.assert(
      fc.property(image, ({ extra, ...layout }) => {
        const bytes = layout.step * planeRows(layout.encoding, layout.height) + extra;
        const view = { ...layout, data: new Uint8Array(bytes >= 0 && bytes < 1e6 ? Math.floor(bytes) : 0) };
        if (isRefused(admit(view))) return;
        expect(layout.step).toBeGreaterThanOrEqual(rowBytes(layout.encoding, layout.width));
        expect(layout.step * planeRows(layout.encoding, layout.height)).toBe(view.data.length);
        const { sharesColumns, sharesRows } = PIXEL_LAYOUTS[layout.encoding];
        expect(sharesColumns && layout.width % 2 !== 0).toBe(false);
        expect(sharesRows && layout.height % 2 !== 0).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('law: every source reaches the same verdict on a raw image', () => {
    const side = fc.oneof(
      fc.integer({ min: 0, max: 24 }),
      fc.constantFrom(MAX_SIDE - 1, MAX_SIDE, MAX_SIDE + 1, 0x7fffffff, 0xffffffff),
    );
    const image = fc.record({
      encoding: fc.constantFrom(...PIXEL_ENCODINGS),
      width: side,
      height: side,
      padding: fc.integer({ min: -3, max: 9 }),
      extra: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -2, max: 2 })),
    });
    fc.assert(
      fc.property(image, ({ encoding, width, height, padding, extra }) => {
        const step = Math.min(0xffffffff, Math.max(0, rowBytes(encoding, width) + padding));
        const bytes = Math.floor(step * planeRows(encoding, height)) + extra;
        const view = blank(encoding, width, height, step, bytes >= 0 && bytes < 1e5 ? bytes : 7);
        const verdicts = Object.values(RAW_SOURCES).map((verdict) => verdict(view));
        expect(new Set(verdicts).size, verdicts.join(', ')).toBe(1);
      }),
      { numRuns: 3000 },
    );
  });

  it('law: every source reaches the same verdict on the bytes of a JPEG or PNG', async () => {
    const { data } = rawImage('rgb8', 20, 10);
    const whole = await encodePng(data, 20, 10);
    const mutations = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 255 })), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(
        mutations,
        fc.integer({ min: 0, max: whole.length }),
        fc.boolean(),
        (changes, length, isCut) => {
          const bytes = whole.slice(0, isCut ? length : undefined);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          const verdicts = Object.values(COMPRESSED_SOURCES).map((verdict) => verdict(bytes));
          expect(new Set(verdicts).size, verdicts.join(', ')).toBe(1);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('admits what a device has memory for', () => {
    expect(MAX_PIXELS * 4).toBeLessThan(140e6);
    // the largest message: 16-bit samples or alpha; lengths in CDR have 32 bits
    expect(MAX_SIDE * MAX_SIDE * 4).toBeLessThan(2 ** 32);
  });
});
