import type { CompressedView } from '../image/image-view.ts';
import type { ImageHeader } from '../image/image-header.ts';
import { readImageHeader, sniffFormat, uprightSize } from '../image/read-header.ts';
import { refuse, type Refusal } from '../refusal.ts';
import { refuseSize } from './limits.ts';

/** A compressed image that may be decoded: its bytes are a JPEG or PNG of an accepted size. */
export interface AdmittedCompressed {
  readonly ok: true;
  readonly view: CompressedView & { readonly header: ImageHeader };
}

/**
 * Identifies an image by its first bytes and its header. Whatever a message or a file name claims, the bytes never
 * reach another decoder (SVG, TIFF, ...). A PNG of 16-bit gray is refused: it contains distances, not light (in ROS
 * `16UC1; png`), and scaled to 8 bits it would be an image that no detector was trained on.
 * @param isLight true if 16-bit gray is known to be light (`mono16`); it is then scaled to 8 bits
 */
export function admitBytes(data: Uint8Array, isLight = false): AdmittedCompressed | Refusal {
  const format = sniffFormat(data);
  if (format === undefined) {
    return refuse('corrupt_image', `the ${data.length} bytes do not start like a JPEG or PNG`);
  }
  const header = readImageHeader(data);
  if (header === undefined) {
    return refuse(
      'corrupt_image',
      `the header of the ${format} of ${data.length} bytes is cut short or damaged`,
    );
  }
  if (format === 'png' && header.bitDepth === 16 && header.channels === 1 && !isLight) {
    const detail =
      'a PNG of 16-bit gray is taken for a depth image; supported: PNG in color, of 8-bit ' +
      'gray, and of format "mono16; png"';
    return refuse('unsupported_encoding', detail);
  }
  const { width, height } = uprightSize(header);
  const badSize = refuseSize(width, height);
  return badSize ?? { ok: true, view: { format, data, header } };
}
