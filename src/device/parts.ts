import type { ParameterTable, ValuesOf } from '../contract/parameters.ts';
import { CAPTURE } from './capture/capture-part.ts';
import { DRIFT } from './drift/drift-part.ts';
import { HOST_STATS } from './host/host-part.ts';
import { LABELS } from './labels/labels-part.ts';
import { LIVE_IMAGE } from './live/live-part.ts';
import { PIPELINE_METRICS } from './metrics/metrics-part.ts';
import { POLICY } from './policy/policy-part.ts';
import { Runtime, type RuntimeOptions } from './runtime/runtime.ts';
import { EVENTS } from './telemetry/events/events-part.ts';
import { SESSION_TELEMETRY } from './telemetry/session-part.ts';
import { TELEMETRY } from './telemetry/telemetry-part.ts';
import { WEB_PAGE } from './web/web-part.ts';

/**
 * Every part of the runtime, in start order.
 * @public for the documents, which are generated with every part
 */
export const PARTS = [
  LIVE_IMAGE,
  PIPELINE_METRICS,
  HOST_STATS,
  SESSION_TELEMETRY,
  TELEMETRY,
  EVENTS,
  LABELS,
  DRIFT,
  POLICY,
  CAPTURE,
  WEB_PAGE,
] as const;

type Intersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void
  ? I
  : never;
type PartParameters = Intersection<(typeof PARTS)[number]['parameters']>;

/** The parameters of all parts: parameters of the detector node, and options of `goshawk run`. */
export const PART_PARAMETERS = merge(PARTS.map(({ parameters }) => parameters)) as PartParameters;

export type PartValues = Readonly<ValuesOf<PartParameters>>;

/** Composes the runtime of a device from the parts that the values ask for; nothing is started yet. */
export function composeRuntime(values: PartValues, options: RuntimeOptions): Runtime {
  return new Runtime(options, (context) => {
    const created = PARTS.map((definition) => definition.create(values, context));
    const parts = created.filter((part) => part !== null);
    const names = new Set(parts.map(({ name }) => name));
    return parts.filter(({ servedBy }) => servedBy?.some((name) => names.has(name)) ?? true);
  });
}

function merge(tables: readonly ParameterTable[]): ParameterTable {
  const rows = tables.flatMap((table) => Object.entries(table));
  const twice = rows.find(([name], index) => rows.findIndex(([other]) => other === name) < index);
  if (twice !== undefined) throw new Error(`two parts declare the parameter ${twice[0]}`);
  return Object.fromEntries(rows);
}
