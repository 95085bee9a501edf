import { z } from 'zod';
import { quantity } from './quantities.ts';

const share = quantity('ratio');

/** How well the model saw where labels came, over the newest labeled frames of a camera. */
export const labeledAccuracySchema = z.object({
  /** of the newest labeled frame that it is over, as it was matched: the newest of several windows counts */
  at: z.iso.datetime({ precision: 3 }),
  /** that it is over; 0 if labels came and no published frame had their stamp */
  frames: quantity('frames'),
  /** labeled objects of classes of the model */
  objects: quantity('objects'),
  /** COCO's AP and AP50 of the published boxes; null without an object */
  ap: share.nullable(),
  ap50: share.nullable(),
});

export type LabeledAccuracy = z.infer<typeof labeledAccuracySchema>;
