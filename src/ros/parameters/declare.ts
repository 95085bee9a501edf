import type { Parameter, rcl_interfaces } from 'rclnodejs';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { Log } from '../log.ts';
import { rcl, type RosNode } from '../rcl.ts';
import type { ParameterOverride } from './files.ts';
import {
  checkParameter,
  howToWrite,
  type Checked,
  type ParameterSpec,
  type ParameterTable,
  type ParameterValue,
  type ValuesOf,
} from '../../contract/parameters.ts';

/** `rcl_interfaces/msg/ParameterType`. */
const TYPE = { notSet: 0, bool: 1, int: 2, double: 3, string: 4, 'string[]': 9 } as const;
/** Parameters that rclnodejs declares for itself; it accepts any type for them and ignores values of the wrong type. */
const FOREIGN: ParameterTable = {
  use_sim_time: { kind: 'bool', default: false, read: 'always', description: 'Take the time from /clock.' },
};

/** Applies a change while the node runs; a throw refuses the change, and its message is the reason. */
export type ApplyChange = (changed: ReadonlyMap<string, ParameterValue>) => void;

/** How a node uses its parameters. */
export interface ParameterUse {
  readonly log: Log;
  readonly apply: ApplyChange;
  /** true while parameters that are read at configure may be set; if absent, never */
  readonly isUnconfigured?: () => boolean;
}

/** The node's current parameters. */
export interface DeclaredParameters<T extends ParameterTable> {
  readonly values: Readonly<ValuesOf<T>>;
  /** refused start values, in words; the defaults are in force instead */
  readonly refused: readonly string[];
  /** Replaces the defaults of parameters that nobody set; others keep their values. Nothing is applied. */
  adopt(defaults: Partial<ValuesOf<T>>): void;
}

/**
 * Declares every parameter of a table with its descriptor and updates `values` when parameters are set.
 *
 * rclnodejs only carries the values: its own range check gives no useful reason when it refuses, and its descriptors
 * lose their ranges on the way to `ros2 param describe`.
 */
export function declareParameters<T extends ParameterTable>(
  node: RosNode,
  table: T,
  overrides: ReadonlyMap<string, ParameterOverride>,
  { log, apply, isUnconfigured = () => false }: ParameterUse,
): DeclaredParameters<T> {
  const refused: string[] = [];
  const values: Record<string, ParameterValue> = {};
  const set = new Set(overrides.keys());
  let adopting = false;
  for (const [name, spec] of Object.entries(table)) {
    values[name] = startValue(name, spec, overrides.get(name), refused);
    node.declareParameter(toParameter(name, spec, values[name]), new Descriptor(name, spec), true);
  }
  for (const [name, spec] of Object.entries(FOREIGN)) startValue(name, spec, overrides.get(name), refused);
  for (const reason of refused) log.error(reason);
  warnOfUnknowns(table, overrides, log);

  explainRefusals(node, table, isUnconfigured);
  node.addPreSetParametersCallback((parameters) => parameters.map((parameter) => settle(table, parameter)));
  node.addOnSetParametersCallback((parameters) => {
    try {
      const changed = checkChange(table, parameters);
      if (changed.size > 0 && !adopting) {
        apply(changed);
        for (const name of changed.keys()) set.add(name);
      }
      Object.assign(values, Object.fromEntries(changed));
      return { successful: true, reason: '' };
    } catch (error) {
      return { successful: false, reason: describeError(error) };
    }
  });
  const adopt = (defaults: Partial<ValuesOf<T>>): void => {
    const unset = Object.entries(defaults).filter(([name]) => !set.has(name)) as [string, ParameterValue][];
    adopting = true;
    node.setParameters(unset.map(([name, value]) => toParameter(name, table[name]!, value)));
    adopting = false;
  };
  return { values: values as ValuesOf<T>, refused, adopt };
}

function startValue(
  name: string,
  spec: ParameterSpec,
  override: ParameterOverride | undefined,
  refused: string[],
): ParameterValue {
  if (override === undefined) return spec.default;
  const checked = checkOverride(spec, override);
  if (checked.ok) return checked.value;
  const reason = `${checked.reason} (from ${override.origin})`;
  const fix = `${howToWrite(spec)}; until then the default ${JSON.stringify(spec.default)} is in force`;
  refused.push(describeError(invalid(name, override.value, reason, fix)));
  return spec.default;
}

/** A string on a command line is taken as written, whatever YAML makes of it: robot:=7, site:=no. */
function checkOverride(spec: ParameterSpec, { value, text }: ParameterOverride): Checked {
  const isText = spec.kind === 'string' && text !== undefined && typeof value !== 'string';
  return checkParameter(spec, isText ? text : value);
}

function warnOfUnknowns(
  table: ParameterTable,
  overrides: ReadonlyMap<string, ParameterOverride>,
  log: Log,
): void {
  for (const [name, { origin, aimed }] of overrides) {
    if (aimed && !(name in table) && !(name in FOREIGN) && !name.startsWith('qos_overrides.')) {
      log.warn(`parameter ${name} of ${origin} is unknown and has no effect`);
    }
  }
}

/** rclnodejs refuses unknown and read-only names by itself, before any callback, with unhelpful messages. */
function explainRefusals(node: RosNode, table: ParameterTable, isUnconfigured: () => boolean): void {
  const set = node.setParametersAtomically.bind(node);
  node.setParametersAtomically = (parameters) => {
    const unknown = parameters.find(({ name }) => !(name in table) && !node.hasParameter(name));
    const fixed = parameters.find(({ name }) => table[name]?.read === 'start');
    const held = parameters.find(({ name }) => table[name]?.read === 'configure');
    const mistyped = parameters.map(whyMistyped).find((refusal) => refusal !== null);
    const reason =
      unknown !== undefined
        ? `there is no parameter ${unknown.name}; "ros2 param list" shows them`
        : fixed !== undefined
          ? `${fixed.name} is read once, when the node starts; set it in the parameter file or on ` +
            'the command line and restart'
          : held !== undefined && !isUnconfigured()
            ? `${held.name} is read at configure; deactivate and clean up the node ("ros2 lifecycle ` +
              'set"), set it, and configure again'
            : (mistyped ?? undefined);
    return reason === undefined ? set(parameters) : { successful: false, reason };
  };
}

/** Converts a value to its declared type if it can only mean one thing; validation comes after. */
function settle(table: ParameterTable, parameter: Parameter): Parameter {
  const spec = table[parameter.name];
  if (spec === undefined || isNotSet(parameter)) return parameter;
  const checked = checkParameter(spec, parameter.value);
  return checked.ok ? toParameter(parameter.name, spec, checked.value) : parameter;
}

/** True for a request to delete. */
function isNotSet(parameter: Parameter): boolean {
  return Number(parameter.type) === TYPE.notSet;
}

function checkChange(table: ParameterTable, parameters: readonly Parameter[]): Map<string, ParameterValue> {
  const changed = new Map<string, ParameterValue>();
  for (const parameter of parameters) {
    const spec = table[parameter.name];
    if (spec === undefined) continue;
    if (isNotSet(parameter)) throw invalid(parameter.name, 'nothing', 'it cannot be deleted', fixOf(spec));
    const checked = checkParameter(spec, parameter.value);
    if (!checked.ok) throw invalid(parameter.name, parameter.value, checked.reason, fixOf(spec));
    changed.set(parameter.name, checked.value);
  }
  return changed;
}

/** Why a value of a foreign parameter is refused: rclnodejs would only report that it does not fit. */
function whyMistyped({ name, value }: Parameter): string | null {
  const spec = FOREIGN[name];
  if (spec === undefined) return null;
  const checked = checkParameter(spec, value);
  return checked.ok ? null : describeError(invalid(name, value, checked.reason, fixOf(spec)));
}

function fixOf(spec: ParameterSpec): string {
  return `${howToWrite(spec)}; the old value stays in force`;
}

function invalid(name: string, value: unknown, reason: string, fix: string): GoshawkError {
  const shown = typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? 'nothing');
  return new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value: shown.slice(0, 200), reason, fix });
}

function toParameter(name: string, spec: ParameterSpec, value: ParameterValue): Parameter {
  return new rcl.Parameter(name, TYPE[spec.kind], typeof value === 'object' ? [...value] : value);
}

/** A descriptor that leaves validation to the node's own callback and keeps its range when described. */
class Descriptor extends rcl.ParameterDescriptor {
  readonly #spec: ParameterSpec;

  constructor(name: string, spec: ParameterSpec) {
    // what is read at configure may change until then
    super(name, TYPE[spec.kind], spec.description, spec.read === 'start');
    this.#spec = spec;
    if ('oneOf' in spec && spec.oneOf !== undefined)
      this.additionalConstraints = `one of: ${spec.oneOf.join(', ')}`;
  }

  override validateParameter(): void {
    // The callback that declareParameters registers refuses with a reason; this one could only refuse.
  }

  override toMessage(): rcl_interfaces.msg.ParameterDescriptor {
    const message = super.toMessage();
    const spec = this.#spec;
    if (spec.kind === 'double') {
      message.floating_point_range = [{ from_value: spec.min, to_value: spec.max, step: 0 }];
    } else if (spec.kind === 'int') {
      message.integer_range = [{ from_value: BigInt(spec.min), to_value: BigInt(spec.max), step: 1n }];
    }
    return message;
  }
}
