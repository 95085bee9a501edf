/**
 * What a feature is counted by: `image`, `scene` and `frame` once for each frame, `box` once for each published box,
 * `track` once for each track that ended.
 */
export type FeatureSource = 'image' | 'scene' | 'frame' | 'box' | 'track';

/** One measured quantity. */
export interface Feature {
  readonly source: FeatureSource;
  /** of values, edges and sums */
  readonly unit: string;
  /** lowest and highest possible value; counts and times have no highest one */
  readonly range: readonly [lowest: number, highest: number];
  /** ascending: bin i counts values in `(edges[i-1], edges[i]]`, the last bin those above the last edge */
  readonly edges: readonly number[];
  /** sums are whole multiples of it, so that they add up exactly in any order */
  readonly resolution: number;
  /** one sentence for docs/drift.md */
  readonly meaning: string;
}

/** `count` edges from `from` on, `step` apart. */
const linear = (from: number, step: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);

/** Powers of two: `perOctave` edges for each doubling, from 2^`from` to 2^`to`. */
const octaves = (from: number, to: number, perOctave: number): number[] =>
  Array.from({ length: (to - from) * perOctave + 1 }, (_, i) => 2 ** (from + i / perOctave));

/** 32 bins of equal width between 0 and 1. */
const THIRTY_SECONDS = linear(1 / 32, 1 / 32, 31);
const SIXTEENTHS = linear(1 / 16, 1 / 16, 15);

const SHARE = { unit: 'share', range: [0, 1], resolution: 1e-6 } as const;
const GRAY_LEVELS = { unit: 'gray levels', resolution: 1e-3 } as const;

/**
 * Changes with every change of an edge or a formula below, not with a new feature: histograms of different tables are
 * never added.
 */
export const FEATURE_TABLE_VERSION = 1;

const ROWS = {
  brightness: {
    ...SHARE,
    source: 'image',
    edges: THIRTY_SECONDS,
    meaning: 'mean luma (ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B) over 255',
  },
  contrast: {
    ...SHARE,
    source: 'image',
    range: [0, 0.5],
    edges: linear(1 / 64, 1 / 64, 31),
    meaning: 'standard deviation of the luma over 255 (RMS contrast, Peli 1990)',
  },
  saturation: {
    ...SHARE,
    source: 'image',
    edges: THIRTY_SECONDS,
    meaning: 'mean of (max - min) / max of R, G and B, as in HSV; 0 for a black pixel',
  },
  sharpness: {
    ...GRAY_LEVELS,
    source: 'image',
    range: [0, 1020],
    edges: octaves(-1, 9, 3),
    meaning:
      'standard deviation of the Laplacian (4 neighbors) of the luma, the root of the customary variance ' +
      '(Pech-Pacheco et al. 2000)',
  },
  noise: {
    ...GRAY_LEVELS,
    source: 'image',
    range: [0, 427],
    edges: octaves(-2, 6, 3),
    meaning:
      'standard deviation of noise by Immerkaer 1996: sqrt(pi / 2) / 6 times the mean absolute response to ' +
      '[1 -2 1; -2 4 -2; 1 -2 1]; fine texture counts as well',
  },
  entropy: {
    source: 'image',
    unit: 'bits',
    range: [0, 6],
    resolution: 1e-3,
    edges: linear(6 / 32, 6 / 32, 31),
    meaning: 'Shannon entropy of the luma in 64 bins; 0 for a constant frame',
  },
  red_balance: {
    ...SHARE,
    source: 'image',
    edges: linear(0.25, 1 / 64, 33),
    meaning: 'R / (R + G) of the mean color; 0.5 if both are equal, and for a black frame',
  },
  blue_balance: {
    ...SHARE,
    source: 'image',
    edges: linear(0.25, 1 / 64, 33),
    meaning: 'B / (B + G) of the mean color; 0.5 if both are equal, and for a black frame',
  },
  blockiness: {
    ...SHARE,
    source: 'image',
    edges: linear(0.3, 0.02, 31),
    meaning:
      'a / (a + b): a and b are the mean absolute differences of neighbors across the borders of blocks of 8 x 8 ' +
      'source pixels, and elsewhere (after Wang et al. 2000); 0.5 without blocks, and for a constant frame',
  },
  black_share: {
    ...SHARE,
    source: 'image',
    edges: [...octaves(-12, -1, 1), 0.625, 0.75, 0.875],
    meaning: 'share of pixels with a luma of 8 or less',
  },
  blown_share: {
    ...SHARE,
    source: 'image',
    edges: [...octaves(-12, -1, 1), 0.625, 0.75, 0.875],
    meaning: 'share of pixels with a luma of 247 or more',
  },
  motion: {
    ...SHARE,
    source: 'scene',
    edges: octaves(-12, -2, 2),
    meaning:
      'mean absolute change of the patches since the frame before, over 255, the change of the mean taken out; from ' +
      'the second frame of a camera on',
  },
  static_share: {
    ...SHARE,
    source: 'scene',
    edges: SIXTEENTHS,
    meaning:
      'share of patches that change less than a quarter as much as the median patch, over about 64 frames; measured ' +
      'while that one changes by 2 gray levels a frame or more',
  },
  boxes: {
    source: 'frame',
    unit: 'count',
    range: [0, Infinity],
    resolution: 1,
    edges: [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 100, 200],
    meaning: 'published boxes',
  },
  candidates: {
    source: 'frame',
    unit: 'count',
    range: [0, Infinity],
    resolution: 1,
    edges: [0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 1024, 4096],
    meaning: 'boxes above a score of 0.05 before non-maximum suppression; not counted for heads without it',
  },
  confidence: {
    ...SHARE,
    source: 'box',
    edges: THIRTY_SECONDS,
    meaning: 'score of a box',
  },
  box_size: {
    ...SHARE,
    source: 'box',
    edges: octaves(-7, 0, 4).slice(0, -1),
    meaning: 'square root of the share of the image that a box covers',
  },
  box_aspect: {
    ...SHARE,
    source: 'box',
    edges: SIXTEENTHS,
    meaning: 'width / (width + height) of a box',
  },
  box_x: {
    ...SHARE,
    source: 'box',
    edges: SIXTEENTHS,
    meaning: 'center of a box, from the left edge of the image',
  },
  box_y: {
    ...SHARE,
    source: 'box',
    edges: SIXTEENTHS,
    meaning: 'center of a box, from the top edge of the image',
  },
  track_seconds: {
    source: 'track',
    unit: 'seconds',
    range: [0, Infinity],
    resolution: 1e-3,
    edges: octaves(-4, 9, 2),
    meaning: 'time from the first to the last frame of a track; only with tracking',
  },
  track_flicker: {
    ...SHARE,
    source: 'track',
    edges: SIXTEENTHS,
    meaning: 'share of published frames between the first and the last of a track that it is missing in',
  },
  track_sag: {
    ...SHARE,
    source: 'box',
    edges: SIXTEENTHS,
    meaning: 'share that the score of a box is below the highest of its track; only with tracking',
  },
  track_jitter: {
    source: 'box',
    unit: 'sizes',
    range: [0, Infinity],
    resolution: 1e-6,
    edges: octaves(-9, 1, 2),
    meaning:
      'distance of the center of a box from where the two frames before lead to, over the square root of its area; ' +
      'only with tracking, and for objects in three frames that follow each other',
  },
} as const satisfies Readonly<Record<string, Feature>>;

/** The name of a feature, in payloads, metrics and documents. */
export type FeatureName = keyof typeof ROWS;

/** Every feature with its unit, range and edges, one row each. Histograms, payloads and documents follow from it. */
export const FEATURES: Readonly<Record<FeatureName, Feature>> = ROWS;

/** All features, in the order of the table. */
export const FEATURE_NAMES = Object.keys(ROWS) as readonly FeatureName[];

type ImageFeature = {
  [Name in FeatureName]: (typeof ROWS)[Name]['source'] extends 'image' ? Name : never;
}[FeatureName];

/** The features that are measured from the pixels of one frame, in the order in which a block has them. */
export const IMAGE_FEATURES = FEATURE_NAMES.filter(
  (name): name is ImageFeature => FEATURES[name].source === 'image',
);
