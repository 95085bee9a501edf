import { GoshawkError } from '../../contract/errors.ts';
import type { PictureStore } from './picture-store.ts';

type Pictures = Pick<PictureStore, 'names' | 'pixelDigests'>;

/** Names that a refusal gives at most. */
const MOST_NAMED = 3;

/**
 * Refuses calibration pictures that are labeled pictures too, whatever their names: ranges that were set by a picture suit it better than others, so a loss
 * that is measured on it is too small. Throws GOSHAWK_OPTIMIZE_OVERLAP.
 */
export function refuseOverlap(folder: string, calibration: Pictures, labeled: Pictures): void {
  const labeledNames = new Map(labeled.pixelDigests.map((digest, i) => [digest, labeled.names[i] ?? '']));
  const both = calibration.pixelDigests.flatMap((digest, i) => {
    const name = labeledNames.get(digest);
    return name === undefined ? [] : [`${calibration.names[i] ?? ''} is ${name}`];
  });
  if (both.length === 0) return;
  const more = both.length > MOST_NAMED ? `, and ${both.length - MOST_NAMED} more` : '';
  throw new GoshawkError('GOSHAWK_OPTIMIZE_OVERLAP', {
    folder,
    count: both.length,
    total: calibration.names.length,
    pictures: `${both.slice(0, MOST_NAMED).join(', ')}${more}`,
  });
}
