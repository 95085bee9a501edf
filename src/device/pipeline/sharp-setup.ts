import sharp from 'sharp';

/** Frames never repeat: libvips' cache of operations would only hold memory. */
sharp.cache(false);

export { sharp };

/** A view of the same bytes in the type that sharp reads without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
