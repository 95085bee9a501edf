import { GoshawkError } from '../../contract/errors.ts';
import type { ImageStore } from './image-store.ts';

type Images = Pick<ImageStore, 'names' | 'pixelDigests'>;

/** Names that a refusal gives at most. */
const MAX_NAMED = 3;

/**
 * Refuses calibration images that are labeled images too, whatever their names: ranges that were set by an
 * image suit it better than others, so a loss that is measured on it is too small. Throws
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
