/** How a parameter is set with an option of `goshawk run`. */
export interface CommandOption {
  /** flags with their argument: `--port <n>` */
  readonly flags: string;
  /** its text in `--help` */
  readonly description: string;
  /** the command's default, if it differs from the node's */
  readonly default?: ParameterValue;
  /** words for values that only the command accepts */
  readonly words?: Readonly<Record<string, number>>;
}

interface Common {
  /** one sentence for `ros2 param describe` and the JSON schema */
  readonly description: string;
  /**
   * When it is read. `start`: once, when the node starts; setting it later is refused. `configure`: at each configure,
   * so it can be set while the node is not configured. `always`: whenever it is needed.
   */
  readonly read: 'start' | 'configure' | 'always';
  /** for a parameter that is also an option of `goshawk run` */
  readonly option?: CommandOption;
}

/** One ROS parameter: its type, default, allowed values and words. */
export type ParameterSpec = Common &
  (
    | { readonly kind: 'bool'; readonly default: boolean }
    | {
        readonly kind: 'int' | 'double';
        readonly default: number;
        readonly min: number;
        readonly max: number;
        /** words for values, in files and on command lines: a ROS integer cannot be a word */
        readonly words?: Readonly<Record<string, number>>;
      }
    | { readonly kind: 'string'; readonly default: string; readonly oneOf?: readonly string[] }
    | {
        readonly kind: 'string[]';
        readonly default: readonly string[];
        readonly oneOf?: readonly string[];
        /** what entries must look like, in words as well, and how many there may be */
        readonly entries?: { readonly pattern: string; readonly form: string; readonly max: number };
        /** separates entries if a list is written as one string; without it, a string is a single entry */
        readonly separator?: ',';
      }
  );

type ListSpec = Extract<ParameterSpec, { kind: 'string[]' }>;

export type ParameterTable = Readonly<Record<string, ParameterSpec>>;
export type ParameterValue = boolean | number | string | readonly string[];

type ValueOf<S extends ParameterSpec> = S extends { kind: 'bool' }
  ? boolean
  : S extends { kind: 'int' | 'double' }
    ? number
    : S extends { kind: 'string' }
      ? S extends { oneOf: readonly (infer Word)[] }
        ? Word
        : string
      : readonly string[];

/** The values of a table by name, typed by it. */
export type ValuesOf<T extends ParameterTable> = { -readonly [Name in keyof T]: ValueOf<T[Name]> };

/** A value that fits, or why it does not. */
export type Checked =
  { readonly ok: true; readonly value: ParameterValue } | { readonly ok: false; readonly reason: string };

/**
 * Checks a value against its spec. Values come from YAML, command lines and `ros2 param set`, which guess at types, so
 * a value that can only mean one thing is accepted: a whole number for a double, an empty list of any type, and a
 * string for a list of strings.
 */
export function checkParameter(spec: ParameterSpec, value: unknown): Checked {
  switch (spec.kind) {
    case 'bool':
      return typeof value === 'boolean' ? { ok: true, value } : wrongType('a boolean', value);
    case 'int':
    case 'double':
      return checkNumber(spec, value);
    case 'string':
      if (typeof value !== 'string') return wrongType('a string', value);
      return checkWords(spec.oneOf, [value]) ?? { ok: true, value };
    case 'string[]':
      return checkList(spec, typeof value === 'string' ? entriesOf(spec, value) : value);
  }
}

/** The entries of a list that was written as one string; an empty string is an empty list. */
function entriesOf({ separator }: ListSpec, text: string): string[] {
  const entries = separator === undefined ? [text] : text.split(separator);
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== '');
}

function checkList(spec: ListSpec, value: unknown): Checked {
  if (!Array.isArray(value)) return wrongType('a list of strings', value);
  const unlisted: unknown = value.find((entry) => typeof entry !== 'string');
  if (unlisted !== undefined) {
    return { ok: false, reason: `it must be a list of strings, but contains ${describeType(unlisted)}` };
  }
  const entries = value as string[];
  return checkWords(spec.oneOf, entries) ?? checkEntries(spec, entries) ?? { ok: true, value: entries };
}

function checkEntries({ entries: rule }: ListSpec, entries: readonly string[]): Checked | undefined {
  if (rule === undefined) return undefined;
  if (entries.length > rule.max) return { ok: false, reason: `it has more than ${rule.max} entries` };
  const pattern = new RegExp(rule.pattern, 'u');
  const wrong = entries.find((entry) => !pattern.test(entry));
  return wrong === undefined ? undefined : { ok: false, reason: `"${wrong}" is not ${rule.form}` };
}

/** How to write a valid value, as a hint in a refusal. */
export function howToWrite(spec: ParameterSpec): string {
  switch (spec.kind) {
    case 'bool':
      return 'give true or false';
    case 'int':
    case 'double': {
      const number = spec.kind === 'int' ? 'a whole number' : 'a number';
      const words = Object.keys(spec.words ?? {}).map((word) => ` or ${word}`);
      return `give ${number} from ${spec.min} to ${spec.max}${words.join('')}`;
    }
    case 'string':
      return spec.oneOf === undefined
        ? 'give a string, in quotes if it looks like a number, yes or no'
        : `give one of ${spec.oneOf.join(', ')}`;
    case 'string[]':
      return spec.oneOf === undefined
        ? 'give a list of strings, such as [a, b]'
        : `give a list of some of ${spec.oneOf.join(', ')}`;
  }
}

function checkNumber(spec: Extract<ParameterSpec, { kind: 'int' | 'double' }>, given: unknown): Checked {
  const words = Object.keys(spec.words ?? {});
  const meant = typeof given === 'string' && words.includes(given) ? spec.words?.[given] : given;
  const value = typeof meant === 'bigint' ? Number(meant) : meant;
  const wanted = [spec.kind === 'int' ? 'a whole number' : 'a number', ...words].join(' or ');
  if (typeof value !== 'number') return wrongType(wanted, given);
  if (spec.kind === 'int' && !Number.isSafeInteger(value)) return wrongType(wanted, given);
  // Written so that NaN, which compares false with everything, is refused.
  if (!(value >= spec.min && value <= spec.max)) {
    return { ok: false, reason: `it must be from ${spec.min} to ${spec.max}` };
  }
  return { ok: true, value };
}

function checkWords(oneOf: readonly string[] | undefined, words: readonly string[]): Checked | undefined {
  const unlisted = oneOf === undefined ? undefined : words.find((word) => !oneOf.includes(word));
  if (unlisted === undefined) return undefined;
  return { ok: false, reason: `"${unlisted}" is not one of ${oneOf!.join(', ')}` };
}

function wrongType(wanted: string, value: unknown): Checked {
  return { ok: false, reason: `it must be ${wanted}, not ${describeType(value)}` };
}

function describeType(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'bigint') return 'a whole number';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}
