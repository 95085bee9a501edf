import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './documents.ts';

/**
 * Arguments that a launch file declares: directly, in its tables, for each parameter of the schema, and in the files
 * that it includes.
 */
export function launchArguments(file: string): Set<string> {
  const text = readFileSync(join(ROOT, 'launch', file), 'utf8');
  const names = matches(text, /DeclareLaunchArgument\(\s*"(\w+)"/g);
  for (const table of matches(text, /^[A-Z_]*ARGUMENTS = \{\n([\s\S]*?)^\}/gm))
    names.push(...matches(table, /^ {4}"(\w+)":/gm));
  for (const included of matches(text, /HERE \/ "([\w.]+\.launch\.py)"/g))
    names.push(...launchArguments(included));
  return new Set(text.includes('parameter_schema()') ? [...names, ...schemaParameters()] : names);
}

/** Parameters for which `perception.launch.py` declares arguments. */
export function schemaParameters(): string[] {
  const schema = JSON.parse(readFileSync(join(ROOT, 'launch/params/schema.json'), 'utf8')) as {
    $defs: { node: { properties: { ros__parameters: { properties: Record<string, unknown> } } } };
  };
  return Object.keys(schema.$defs.node.properties.ros__parameters.properties);
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found!);
}
