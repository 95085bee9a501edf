import { z } from 'zod';
import { accuracyEstimateSchema } from '../accuracy-estimate.ts';
import { driftVerdictSchema } from '../drift-verdict.ts';
import { labeledAccuracySchema } from '../labeled-accuracy.ts';
import { nameSchema } from '../names.ts';
import { quantity } from '../quantities.ts';
import { MAX_PAYLOAD_BYTES } from './history.ts';
import { bundleReferenceSchema, windowSchema } from './shapes.ts';

/** Cameras in one message, at most: the others are in further messages of the same window. */
export const MAX_DRIFT_CAMERAS = 256;

/** Of the body of one message: a quarter of what the fleet takes. */
export const MAX_DRIFT_BYTES = MAX_PAYLOAD_BYTES / 4;

/** The histogram of a feature: see docs/drift.md for its name, unit and edges. */
const featureCountsSchema = z.object({
  /** of the values, in steps of the feature's resolution */
  sum: quantity('steps'),
  /** index of the first bin that is not empty */
  first: quantity('bin').max(255),
  /** of the bins from there to the last that is not empty */
  counts: z.array(quantity('values')).min(1).max(256),
});

/** What one camera showed in a window. */
const cameraDriftSchema = z.object({
  camera: z.string().max(256),
  /** published frames that were measured; 0 without frames */
  frames: quantity('frames'),
  /** of these, frames that were resized inside the graph and not by sharp: sharpness and noise depend on that */
  inGraph: quantity('frames'),
  /** published frames that were not measured */
  unmeasured: quantity('frames'),
  /** of all of them, frames with stamps of a window that was sent before */
  late: quantity('frames'),
  /** of all of them, frames with the stamp of one before */
  duplicate: quantity('frames'),
  /** by name; absent without a value; readers accept features that they do not know */
  features: z.record(nameSchema, featureCountsSchema),
  /** published boxes by label of the bundle */
  classes: z.record(z.string().max(256), quantity('boxes')),
  /** what non-maximum suppression shows (arXiv 2508.12082), sums in millionths; null for heads without it */
  agreement: z
    .object({
      /** over the kept boxes, and their number: C = sum / 1e6 / n */
      consistency: z.object({ sum: quantity('millionths'), n: quantity('boxes') }),
      /** weights of suppressed boxes: R = reliable / total */
      reliability: z.object({ reliable: quantity('millionths'), total: quantity('millionths') }),
      /** of kept boxes above 0.3, and their number */
      score: z.object({ sum: quantity('millionths'), n: quantity('boxes') }).optional(),
    })
    .nullable(),
  /** at the end of the window; absent without a reference */
  verdict: driftVerdictSchema.optional(),
  /** how well the model sees, without labels; absent in messages of earlier versions */
  accuracy: accuracyEstimateSchema.optional(),
  /** at the end of the window; absent without labels */
  labeled: labeledAccuracySchema.optional(),
});

export const driftBodySchema = z.object({
  window: windowSchema,
  bundle: bundleReferenceSchema.nullable(),
  /** version of the table of features: only histograms of the same one add up */
  table: quantity('version').min(1),
  cameras: z.array(cameraDriftSchema).max(MAX_DRIFT_CAMERAS),
});
