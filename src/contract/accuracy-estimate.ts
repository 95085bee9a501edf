import { z } from 'zod';
import { ACCURACY_STATES } from '../core/drift/window-accuracy.ts';
import { quantity } from './quantities.ts';

const share = quantity('ratio').nullable();

/** How much of its accuracy the model keeps, estimated without labels. All but `reason` is null without an estimate. */
export const accuracyEstimateSchema = z.object({
  /** when it was made: the newest of several windows counts */
  at: z.iso.datetime({ precision: 3 }),
  /** `worse` stays while there is no estimate: a model that then sees nothing at all has not recovered */
  state: z.enum(ACCURACY_STATES),
  /** of the AP in the baseline, 0..1, and its 90 % interval */
  share,
  low: share,
  high: share,
  /** that it is of */
  frames: quantity('frames'),
  /** what frames are compared with: of the camera itself, or of the pictures that the fit was made from */
  baseline: z.enum(['camera', 'bundle']).nullable(),
  /** why there is no estimate; null if there is one */
  reason: z.string().max(300).nullable(),
});
