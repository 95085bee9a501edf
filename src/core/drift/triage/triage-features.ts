import { FEATURE_NAMES, FEATURES } from '../features.ts';
import { OBSERVED } from '../observe/observed.ts';

/** Of what a shift is: what the image is like, or what the model made of it. */
type FeatureGroup = 'image' | 'output';

/** Observed by verdicts only, besides the features of windows: `slope_x` and others. */
const OBSERVED_ONLY = OBSERVED.filter((name) => !Object.hasOwn(FEATURES, name));

/** What triage compares, in the order of its vectors: the features of windows and those of verdicts. */
export const TRIAGE_FEATURES: readonly string[] = [...FEATURE_NAMES, ...OBSERVED_ONLY];

/** Place of each feature in a vector. */
export const TRIAGE_PLACE: ReadonlyMap<string, number> = new Map(
  TRIAGE_FEATURES.map((name, place) => [name, place]),
);

/** The class of the best box is what the model made of the image; the others describe the image itself. */
const OUTPUT_ONLY: ReadonlySet<string> = new Set(['top_class']);

/** By place. Motion is of the image: no model is asked for it. */
export const GROUP_AT: readonly FeatureGroup[] = TRIAGE_FEATURES.map((name) => {
  const source = Object.entries(FEATURES).find(([one]) => one === name)?.[1].source;
  if (source === undefined) return OUTPUT_ONLY.has(name) ? 'output' : 'image';
  return source === 'image' || source === 'scene' ? 'image' : 'output';
});
