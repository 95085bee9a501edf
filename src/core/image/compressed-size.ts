import type { CompressedView } from '../frame.ts';

/** Width and height in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Reads the size of a JPEG or PNG from its header, so that a picture too large to decode is refused before memory is spent on it.
 * `undefined` where the header does not say: then the data is damaged, and the decoder finds the words for it.
 */
export function compressedSize(view: CompressedView): PictureSize | undefined {
  return view.format === 'png' ? pngSize(view.data) : jpegSize(view.data);
}

function uint16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}

/** The first chunk is IHDR: 8 bytes of signature, 4 of length, 4 of type, then width and height (ISO 15948, 11.2.2). */
function pngSize(data: Uint8Array): PictureSize | undefined {
  if (data.length < 24) return undefined;
  const width = uint16(data, 16) * 0x10000 + uint16(data, 18);
  const height = uint16(data, 20) * 0x10000 + uint16(data, 22);
  return { width, height };
}

/** Start-of-frame markers are C0 to CF without C4 (tables), C8 (reserved) and CC (arithmetic conditioning): ITU T.81, table B.1. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Markers that stand alone, without a length: TEM, RST0 to RST7, SOI. */
function standsAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** Walks the marker segments up to the first frame header (ITU T.81, B.2.2). */
function jpegSize(data: Uint8Array): PictureSize | undefined {
  let at = 2;
  while (at + 9 <= data.length) {
    if (data[at] !== 0xff) return undefined;
    const marker = data[at + 1]!;
    if (marker === 0xff) {
      at++; // fill bytes may stand in front of any marker
    } else if (standsAlone(marker)) {
      at += 2;
    } else if (isStartOfFrame(marker)) {
      return { width: uint16(data, at + 7), height: uint16(data, at + 5) };
    } else {
      const length = uint16(data, at + 2);
      if (length < 2 || marker === 0xda || marker === 0xd9) return undefined;
      at += 2 + length;
    }
  }
  return undefined;
}
