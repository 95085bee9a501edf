import type { CompressedView } from '../image/image-view.ts';
import type { ImageHeader } from '../image/image-header.ts';
import { readImageHeader, sniffFormat, uprightSize } from '../image/read-header.ts';
import { refuse, type Refusal } from '../refusal.ts';
import { refuseSize } from './limits.ts';

/**
 * A compressed image that may be decoded: its bytes are those of a JPEG or PNG of a size that is taken in.
 */
export interface AdmittedCompressed {
  readonly ok: true;
  readonly view: CompressedView & { readonly header: ImageHeader };
}

/**
 * The image that some bytes are, by their start and header; whatever a message or a file name says, they are
 * never handed to another decoder (SVG, TIFF, ...). A PNG of 16-bit gray is refused: it holds distances, not
 * light (in ROS `16UC1; png`), and scaled to 8 bits it would be an image that no detector was trained on.
 * @param isLight true where somebody says that 16-bit gray is light (`mono16`); then it is scaled to 8 bits
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
