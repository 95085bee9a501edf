import type { CompressedView } from './image-view.ts';
import { exifOrientation, swapsSides, type Orientation } from './exif.ts';
import type { ImageHeader, ImageSize } from './image-header.ts';

/** Start-of-image marker and the first byte of the next marker (ITU T.81). */
const JPEG_START = [0xff, 0xd8, 0xff];
/** PNG signature (ISO 15948, 5.2). */
const PNG_START = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function startsWith(data: Uint8Array, start: readonly number[]): boolean {
  for (let i = 0; i < start.length; i++) if (data[i] !== start[i]) return false;
  return true;
}

/** The format according to the first bytes, whatever a message or a file name claims; `undefined` for neither. */
export function sniffFormat(data: Uint8Array): CompressedView['format'] | undefined {
  if (startsWith(data, JPEG_START)) return 'jpeg';
  return startsWith(data, PNG_START) ? 'png' : undefined;
}

/**
 * Reads the header of a JPEG or PNG without decoding it; `undefined` if it is neither, or its header is truncated or
 * damaged.
 */
export function readImageHeader(data: Uint8Array): ImageHeader | undefined {
  const format = sniffFormat(data);
  if (format === undefined) return undefined;
  return format === 'png' ? pngHeader(data) : jpegHeader(data);
}

/**
 * The size of the upright image, as OpenCV's `imdecode` returns it: with the sides swapped if EXIF data turns it by 90
 * degrees.
 */
export function uprightSize(header: ImageHeader): ImageSize {
  return swapsSides(header.orientation) ? { width: header.height, height: header.width } : header;
}

function uint16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}

function uint32(data: Uint8Array, at: number): number {
  return uint16(data, at) * 0x10000 + uint16(data, at + 2);
}

const IHDR_END = 26;
/** color types of PNG without color: gray, and gray with alpha */
const GRAY_TYPES = [0, 4];
const EXIF_CHUNK = 0x65584966;
const END_CHUNK = 0x49454e44;
/** more chunks than any encoder writes for an accepted image: bogus data must not be walked for long */
const MAX_CHUNKS = 20_000;

/**
 * The first chunk is IHDR: 8 bytes of signature, 4 of length, 4 of type, then width, height, depth, color
 * type (ISO 15948, 11.2.2).
 */
function pngHeader(data: Uint8Array): ImageHeader | undefined {
  if (data.length < 24) return undefined;
  const [bitDepth = 8, colorType = 2] = data.subarray(24, IHDR_END);
  return {
    width: uint32(data, 16),
    height: uint32(data, 20),
    orientation: pngOrientation(data),
    channels: GRAY_TYPES.includes(colorType) ? 1 : 3,
    bitDepth,
  };
}

/** The eXIf chunk may come before or after the image (PNG, third edition, 11.3.4.3). */
function pngOrientation(data: Uint8Array): Orientation {
  let at = 8;
  for (let chunks = 0; chunks < MAX_CHUNKS && at + 12 <= data.length; chunks++) {
    const length = uint32(data, at);
    const type = uint32(data, at + 4);
    if (type === EXIF_CHUNK) return exifOrientation(data.subarray(at + 8, at + 8 + length));
    if (type === END_CHUNK) return 1;
    at += 12 + length;
  }
  return 1;
}

/**
 * Start-of-frame markers are C0 to CF without C4 (tables), C8 (reserved) and CC (arithmetic conditioning):
 * ITU T.81, table B.1.
 */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Markers without a length: TEM, RST0 to RST7, SOI. */
function standsAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const APP1 = 0xe1;
/** `Exif` and two bytes of 0, in front of the TIFF header (EXIF 2.32, 4.7.2) */
const EXIF_MARK = [0x45, 0x78, 0x69, 0x66, 0, 0];

/** Walks the marker segments up to the first scan (ITU T.81, B.2.2). */
function jpegHeader(data: Uint8Array): ImageHeader | undefined {
  let frame: Omit<ImageHeader, 'orientation'> | undefined;
  let orientation: Orientation | undefined;
  let at = 2;
  while (at + 4 <= data.length && data[at] === 0xff) {
    const marker = data[at + 1]!;
    if (marker === 0xff) {
      at++; // fill bytes may precede any marker
      continue;
    }
    if (standsAlone(marker)) {
      at += 2;
      continue;
    }
    const length = uint16(data, at + 2);
    if (length < 2 || marker === START_OF_SCAN || marker === END_OF_IMAGE) break;
    if (isStartOfFrame(marker) && frame === undefined && at + 9 <= data.length) {
      frame = {
        width: uint16(data, at + 7),
        height: uint16(data, at + 5),
        channels: data[at + 9] ?? 3,
        bitDepth: data[at + 4]!,
      };
    } else if (marker === APP1 && EXIF_MARK.every((byte, i) => data[at + 4 + i] === byte)) {
      orientation ??= exifOrientation(data.subarray(at + 10, at + 2 + length));
    }
    at += 2 + length;
  }
  return frame === undefined ? undefined : { ...frame, orientation: orientation ?? 1 };
}
