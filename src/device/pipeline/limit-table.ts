import type { BundleManifest } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { LIMIT_PARAMETERS, type LimitSpec } from '../../contract/limit-parameters.ts';
import { checkParameter, type ValuesOf } from '../../contract/parameters.ts';

type Thresholds = BundleManifest['thresholds'];

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
