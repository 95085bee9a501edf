import type { CompressedView } from '../../core/frame.ts';
import { compressedSize, uprightSize } from '../../core/image/compressed-size.ts';
import type { ImageHeader, ImageSize } from '../../core/image/image-header.ts';

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** What the bytes are, whatever a message or a file name says; `null` for neither. */
function sniffFormat(data: Uint8Array): CompressedView['format'] | null {
  if (data[0] === 0xff && data[1] === 0xd8) return 'jpeg';
  return PNG_SIGNATURE.every((byte, index) => data[index] === byte) ? 'png' : null;
}

/**
 * Width and height that the header of a JPEG or PNG claims, read without decoding; `null` where the bytes are
 * neither. libvips goes by the bytes too: nothing that this refuses may reach its other decoders.
 * @param known the header, where it was read already
 */
export function readImageSize(data: Uint8Array, known?: ImageHeader): ImageSize | null {
  const format = sniffFormat(data);
  if (format === null) return null;
  return known === undefined ? (compressedSize({ format, data }) ?? null) : uprightSize(known);
}
