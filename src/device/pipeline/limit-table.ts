import type { BundleManifest } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { checkParameter, type ParameterSpec, type ValuesOf } from '../../contract/parameters.ts';

type Thresholds = BundleManifest['thresholds'];

type LimitSpec = ParameterSpec & {
  readonly read: 'always';
  /** the bundle's threshold that overrides the default */
  readonly ofBundle?: keyof Thresholds;
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
  },
  class_filter: {
    kind: 'string[]',
    default: [],
    read: 'always',
    description: 'Class names to publish. Empty: all.',
  },
} as const satisfies Readonly<Record<string, LimitSpec>>;

/** The limits by their parameters. */
export type Limits = Readonly<ValuesOf<typeof LIMIT_PARAMETERS>>;

export type LimitsPatch = { readonly [K in keyof Limits]?: Limits[K] | undefined };

const ROWS = Object.entries(LIMIT_PARAMETERS) as [keyof Limits, LimitSpec][];

/** The limits that a bundle sets: the defaults of its pipelines. */
export function limitsOfBundle(thresholds: Thresholds): Partial<Limits> {
  return Object.fromEntries(
    ROWS.flatMap(([name, { ofBundle }]) => (ofBundle === undefined ? [] : [[name, thresholds[ofBundle]]])),
  );
}

/** Extracts the limits from values that include others. */
export function limitsAmong(values: Limits): Limits {
  return Object.fromEntries(ROWS.map(([name]) => [name, values[name]])) as Limits;
}

/** The limits of a pipeline for which nobody set any. */
export function defaultLimits(thresholds: Thresholds): Limits {
  const defaults = Object.fromEntries(ROWS.map(([name, spec]) => [name, spec.default])) as Limits;
  return { ...defaults, ...limitsOfBundle(thresholds) };
}

/**
 * The limits with `patch` applied.
 * @throws GoshawkError `GOSHAWK_PARAMETER_INVALID` for a value out of range or a class that is not a label
 */
export function changeLimits(limits: Limits, patch: LimitsPatch, labels: readonly string[]): Limits {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  const changed = { ...limits, ...Object.fromEntries(given) } as Limits;
  for (const [name, spec] of ROWS) {
    const value = changed[name];
    const checked = checkParameter(spec, value);
    if (!checked.ok) refuse(name, value, checked.reason);
  }
  const unlisted = changed.class_filter.find((name) => !labels.includes(name));
  if (unlisted !== undefined)
    refuse('class_filter', unlisted, `the labels of the bundle are ${labels.join(', ')}`);
  return changed;
}

function refuse(name: string, value: unknown, reason: string): never {
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value: String(value), reason });
}
