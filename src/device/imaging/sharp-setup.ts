import sharp, { type OutputInfo, type Sharp } from 'sharp';

/** Frames never repeat: libvips' operation cache would only waste memory. */
sharp.cache(false);

export { sharp, type Sharp };

/** A view of the same bytes in the type that sharp reads without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Sharp's output as bytes in their own memory, which can be transferred to another thread; a copy, since sharp's memory
 * cannot be transferred. `toUint8Array()` would do the same, but sharp 0.35.5 never frees that copy (its `FreeCallback`
 * frees the second argument and is called with the first): 30 frames per second leak 9 MB per second.
 */
export async function toOwnBytes(
  image: Sharp,
): Promise<{ readonly data: Uint8Array<ArrayBuffer>; readonly info: OutputInfo }> {
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), info };
}
