import { GoshawkError } from '../../contract/errors.ts';
import type { ImageStore } from './image-store.ts';

type Images = Pick<ImageStore, 'names' | 'pixelDigests'>;

/** Maximum number of names in a refusal. */
const MAX_NAMED = 3;

/**
 * Refuses calibration images that are also labeled images, under any name: quantization ranges fit the images
 * that they were calibrated on, so the loss measured on these would be too small. Throws
 * GOSHAWK_OPTIMIZE_OVERLAP.
 */
export function refuseOverlap(folder: string, calibration: Images, labeled: Images): void {
  const labeledNames = new Map(labeled.pixelDigests.map((digest, i) => [digest, labeled.names[i] ?? '']));
  const both = calibration.pixelDigests.flatMap((digest, i) => {
    const name = labeledNames.get(digest);
    return name === undefined ? [] : [`${calibration.names[i] ?? ''} is ${name}`];
  });
  if (both.length === 0) return;
  const more = both.length > MAX_NAMED ? `, and ${both.length - MAX_NAMED} more` : '';
  throw new GoshawkError('GOSHAWK_OPTIMIZE_OVERLAP', {
    folder,
    count: both.length,
    total: calibration.names.length,
    images: `${both.slice(0, MAX_NAMED).join(', ')}${more}`,
  });
}
