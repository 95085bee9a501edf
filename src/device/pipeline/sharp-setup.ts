import sharp from 'sharp';

/** Frames never repeat: libvips' cache of operations would only hold memory. */
sharp.cache(false);

export { sharp };

/** A view of the same bytes in the type that sharp reads without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A plain view of bytes that sharp made in memory of their own (`toUint8Array`), which may be moved to another thread. */
export function asBytes(made: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(made.buffer as ArrayBuffer, made.byteOffset, made.byteLength);
}
