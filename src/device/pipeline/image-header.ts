/** Width and height that the header of a compressed picture claims, pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Reads the size out of a JPEG or PNG header without decoding, so that a small file that unfolds into gigabytes is refused
 * before any memory is spent on it. The bytes decide, not the name that the message gives the format; `null` where they are neither.
 */
export function readImageSize(data: Uint8Array): ImageSize | null {
  if (PNG_SIGNATURE.every((byte, index) => data[index] === byte)) return readPngSize(data);
  if (data[0] === 0xff && data[1] === 0xd8) return readJpegSize(data);
  return null;
}

/** PNG (ISO/IEC 15948, 11.2.2): the first chunk is IHDR and starts with width and height. */
function readPngSize(data: Uint8Array): ImageSize | null {
  if (data.length < 24) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const isHeader = view.getUint32(12) === 0x49484452;
  return isHeader ? { width: view.getUint32(16), height: view.getUint32(20) } : null;
}

/** SOF0..SOF15 carry the frame size; C4, C8 and CC are other things within that range. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** JPEG (ITU-T T.81, annex B): segments of marker and length, until a start-of-frame segment. */
function readJpegSize(data: Uint8Array): ImageSize | null {
  let at = 2;
  while (at + 9 <= data.length) {
    if (data[at] !== 0xff) return null;
    const marker = data[at + 1] ?? 0;
    const isPadding = marker === 0xff;
    const standsAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
    if (isPadding || standsAlone) {
      at += isPadding ? 1 : 2;
      continue;
    }
    if (isStartOfFrame(marker)) {
      return { width: readUint16(data, at + 7), height: readUint16(data, at + 5) };
    }
    const endsBeforeFrame = marker === 0xd9 || marker === 0xda;
    const length = readUint16(data, at + 2);
    if (endsBeforeFrame || length < 2) return null;
    at += 2 + length;
  }
  return null;
}

function readUint16(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
}
