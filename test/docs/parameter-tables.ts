import type { ParameterSpec, ParameterTable } from '../../src/contract/parameters.ts';
import { CAMERA_PARAMETERS } from '../../src/ros/camera/parameters.ts';
import { DETECTOR_PARAMETERS } from '../../src/ros/detector/parameters.ts';

type Read = ParameterSpec['read'];

const readAt = (read: Read): ParameterTable =>
  Object.fromEntries(
    Object.entries<ParameterSpec>(DETECTOR_PARAMETERS).filter(([, spec]) => spec.read === read),
  );

/** The tables by the text after `parameters: ` in the mark above each. */
const TABLES = new Map<string, ParameterTable>([
  ['detector configure', readAt('configure')],
  ['detector start', readAt('start')],
  ['detector always', readAt('always')],
  ['camera', CAMERA_PARAMETERS],
]);

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|');

function valuesOf(spec: ParameterSpec): string {
  switch (spec.kind) {
    case 'int':
    case 'double':
      return `${spec.min} to ${spec.max}`;
    case 'string':
    case 'string[]':
      return (spec.oneOf ?? []).map(code).join(', ');
    case 'bool':
      return '';
  }
}

function defaultOf(spec: ParameterSpec): string {
  const words = spec.kind === 'int' || spec.kind === 'double' ? Object.entries(spec.words ?? {}) : [];
  const word = words.find(([, value]) => value === spec.default)?.[0];
  return code(JSON.stringify(spec.default)) + (word === undefined ? '' : ` (${code(word)})`);
}

function markdown(table: ParameterTable): string {
  const entries = Object.entries(table);
  const hasOptions = entries.some(([, { option }]) => option !== undefined);
  const header = ['parameter', 'type', 'default', 'values', ...(hasOptions ? ['option'] : []), 'meaning'];
  const rows = entries.map(([name, spec]) => {
    const flags = spec.option?.flags;
    const option = hasOptions ? [flags === undefined ? '' : code(flags)] : [];
    return [code(name), spec.kind, defaultOf(spec), valuesOf(spec), ...option, spec.description].map(cell);
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), `|${header.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/**
 * A document with its tables of parameters regenerated between their marks.
 * @throws if a table has no mark, or a mark no table
 */
export function withParameterTables(document: string): string {
  const missing = new Set(TABLES.keys());
  const updated = document.replace(
    /(<!-- parameters: ([\w ]+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_all, begin: string, name: string, end: string) => {
      const table = TABLES.get(name);
      if (table === undefined || !missing.delete(name)) throw new Error(`no table of parameters "${name}"`);
      return `${begin}${markdown(table)}\n${end}`;
    },
  );
  if (missing.size > 0) throw new Error(`no mark for the parameters of ${[...missing].join(', ')}`);
  return updated;
}
