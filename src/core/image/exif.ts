/**
 * How the stored pixels must be turned to be upright (EXIF 2.32, 4.6.4 A): 1 not at all, 2 mirrored left to right, 3 by
 * 180 degrees, 4 mirrored top to bottom, 5 transposed, 6 by 90 degrees clockwise, 7 transposed along the other
 * diagonal, 8 by 90 degrees counterclockwise.
 */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ORIENTATION_TAG = 0x0112;
const ENTRY_BYTES = 12;

/** True if the upright image is as wide as the stored one is high. */
export function swapsSides(orientation: Orientation): boolean {
  return orientation >= 5;
}

/**
 * The orientation in EXIF data (a TIFF header with its first directory); 1 if there is none or it is damaged, as in
 * OpenCV's `imdecode`.
 */
export function exifOrientation(tiff: Uint8Array): Orientation {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 8) return 1;
  const byteOrder = view.getUint16(0);
  if (byteOrder !== 0x4949 && byteOrder !== 0x4d4d) return 1;
  const little = byteOrder === 0x4949;
  if (view.getUint16(2, little) !== 42) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + i * ENTRY_BYTES;
    if (at + ENTRY_BYTES > tiff.length) return 1;
    if (view.getUint16(at, little) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}
