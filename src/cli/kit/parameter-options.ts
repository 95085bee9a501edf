import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  checkParameter,
  type CommandOption,
  type ParameterSpec,
  type ParameterTable,
  type ValuesOf,
} from '../../contract/parameters.ts';
import { numberFrom, wholeFrom } from './options.ts';

type NumberSpec = Extract<ParameterSpec, { kind: 'int' | 'double' }>;

/** Adds an option for each parameter that is also an option of commands. */
export function addParameterOptions(command: Command, table: ParameterTable): void {
  for (const spec of Object.values(table)) {
    if (spec.option !== undefined) command.addOption(optionOf(spec, spec.option));
  }
}

/**
 * The values of a table from a command's flags.
 * @param flags as parsed by commander, by its own names
 */
export function parameterValues<T extends ParameterTable>(table: T, flags: object): ValuesOf<T> {
  const defaults = Object.entries(table).map(([name, spec]) => [name, spec.option?.default ?? spec.default]);
  return { ...Object.fromEntries(defaults), ...givenValues(table, flags) } as ValuesOf<T>;
}

/** The values of a table that a command's flags name; the others are left to whoever takes them. */
export function givenValues<T extends ParameterTable>(table: T, flags: object): Partial<ValuesOf<T>> {
  const given = new Map<string, unknown>(Object.entries(flags));
  const values = Object.entries(table).flatMap(([name, { option }]) => {
    const value = option === undefined ? undefined : given.get(new Option(option.flags).attributeName());
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(values) as Partial<ValuesOf<T>>;
}

function optionOf(spec: ParameterSpec, { flags, description, default: value, words }: CommandOption): Option {
  const option = new Option(flags, description);
  if (value !== undefined) option.default(value);
  if ('oneOf' in spec && spec.oneOf !== undefined && spec.kind === 'string')
    return option.choices(spec.oneOf);
  switch (spec.kind) {
    case 'int':
    case 'double':
      return option.argParser(
        (text) => new Map(Object.entries(words ?? {})).get(text) ?? parseNumber(spec, text),
      );
    case 'string[]':
      return option.argParser((text, list: readonly string[] | undefined) => {
        const checked = checkParameter(spec, [...(list ?? []), text]);
        if (checked.ok) return checked.value as readonly string[];
        throw new InvalidArgumentError(`${checked.reason}.`);
      });
    case 'bool':
    case 'string':
      return option;
  }
}

function parseNumber({ kind, min, max }: NumberSpec, text: string): number {
  return (kind === 'int' ? wholeFrom : numberFrom)(min, max)(text);
}
