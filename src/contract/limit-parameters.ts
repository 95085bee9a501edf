import type { BundleManifest } from './bundle.ts';
import type { ParameterSpec } from './parameters.ts';

export type LimitSpec = ParameterSpec & {
  readonly read: 'always';
  /** the bundle's threshold that overrides the default */
  readonly ofBundle?: keyof BundleManifest['thresholds'];
};

/**
 * What the operator may limit while frames flow. Parameters of the detector node, options of `goshawk run`, and a
 * pipeline's defaults and checks are derived from the rows.
 */
export const LIMIT_PARAMETERS = {
  score_threshold: {
    kind: 'double',
    default: 0.25,
    min: 0,
    max: 1,
    read: 'always',
    ofBundle: 'score',
    description: 'Minimum score of a published detection. Not set: the value of the bundle.',
    option: { flags: '--score <0..1>', description: "score threshold (default: the bundle's)" },
  },
  iou_threshold: {
    kind: 'double',
    default: 0.45,
    min: 0,
    max: 1,
    read: 'always',
    ofBundle: 'iou',
    description:
      'Overlap (IoU) above which the lower-scoring box of a class is suppressed. Not set: the value of the bundle.',
    option: { flags: '--iou <0..1>', description: "overlap threshold (default: the bundle's)" },
  },
  max_detections: {
    kind: 'int',
    default: 100,
    min: 1,
    max: 10_000,
    read: 'always',
    ofBundle: 'maxDetections',
    description: 'Maximum detections per frame. Not set: the value of the bundle.',
    option: {
      flags: '--max-detections <n>',
      description: "detections of a frame at most (default: the bundle's)",
    },
  },
  class_filter: {
    kind: 'string[]',
    default: [],
    read: 'always',
    description: 'Class names to publish. Empty: all.',
    option: { flags: '--class-filter <name>', description: 'publish only this class (repeatable)' },
  },
} as const satisfies Readonly<Record<string, LimitSpec>>;
