import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { GoshawkError } from '../../contract/errors.ts';
import type { ParameterSource } from '../arguments.ts';
import { nodePatternMatches } from './node-pattern.ts';

/** rcl reads YAML 1.1 and ignores tags such as the `!!python/tuple` that launch_ros writes. */
const YAML_1_1 = { version: '1.1', logLevel: 'error' } as const;
const PARAMETERS_KEY = 'ros__parameters';
/** Matches all nodes; a rule without a node goes here, as in rcl. */
const EVERY_NODE = '/**';

/** Parameters under one key of a file. */
export interface ParameterSection {
  /** the node pattern, namespaces joined */
  readonly node: string;
  /** nested names joined with dots */
  readonly values: ReadonlyMap<string, unknown>;
}

/** A value and where it came from, for messages. */
export interface ParameterOverride {
  readonly value: unknown;
  /** the text on the command line, before YAML parsed it; absent for a file */
  readonly text?: string;
  /** file and key, or the rule itself */
  readonly origin: string;
  /** true if the section named this node and not just every node, so an unknown name is certainly a mistake */
  readonly aimed: boolean;
}

/**
 * Reads everything on the command line that sets parameters and keeps what applies to the node. Sources apply in the
 * order given and sections in file order, so later ones win.
 *
 * YAML 1.1, as rcl reads it: `yes`, `no`, `on` and `off` are booleans.
 *
 * @param node full name, such as `/goshawk/detector`
 * @param onUnmatched called with each file that has no section for the node
 * @throws GoshawkError `GOSHAWK_FILE_UNREADABLE`, `GOSHAWK_FILE_INVALID`
 */
export async function readParameterOverrides(
  sources: readonly ParameterSource[],
  node: string,
  onUnmatched: (file: string) => void,
): Promise<Map<string, ParameterOverride>> {
  const overrides = new Map<string, ParameterOverride>();
  for (const source of sources) {
    const sections = source.kind === 'file' ? await readParameterFile(source.path) : [sectionOfRule(source)];
    let matched = false;
    for (const section of sections) {
      if (!nodePatternMatches(section.node, node)) continue;
      matched = true;
      const origin = source.kind === 'file' ? `${source.path} (${section.node})` : 'the command line';
      const text = source.kind === 'rule' ? { text: source.value } : {};
      for (const [name, value] of section.values) {
        overrides.set(name, { value, ...text, origin, aimed: section.node !== EVERY_NODE });
      }
    }
    if (!matched && source.kind === 'file') onUnmatched(source.path);
  }
  return overrides;
}

async function readParameterFile(file: string): Promise<ParameterSection[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason: reasonOf(error) }, { cause: error });
  }
  return parseParameterFile(text, file);
}

/** Sections of a parameter file in order. `file` is for messages. */
export function parseParameterFile(text: string, file: string): ParameterSection[] {
  let root: unknown;
  try {
    root = parse(text, YAML_1_1);
  } catch (error) {
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: reasonOf(error) }, { cause: error });
  }
  const sections: ParameterSection[] = [];
  if (root !== null) collectSections(root, '', sections, file);
  return sections;
}

function collectSections(value: unknown, node: string, out: ParameterSection[], file: string): void {
  if (!isMap(value)) {
    const where = node === '' ? 'the file' : `"${node}"`;
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: `${where} has no ${PARAMETERS_KEY}` });
  }
  for (const [key, child] of Object.entries(value)) {
    if (key === PARAMETERS_KEY) {
      const values = new Map<string, unknown>();
      flatten(child, '', values);
      out.push({ node, values });
    } else {
      collectSections(
        child,
        node === '' ? key : `${node.replace(/\/$/, '')}/${key.replace(/^\//, '')}`,
        out,
        file,
      );
    }
  }
}

function flatten(value: unknown, prefix: string, out: Map<string, unknown>): void {
  if (!isMap(value)) return;
  for (const [key, child] of Object.entries(value)) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (isMap(child)) flatten(child, name, out);
    else out.set(name, child);
  }
}

function sectionOfRule(rule: Extract<ParameterSource, { kind: 'rule' }>): ParameterSection {
  let value: unknown;
  try {
    value = parse(rule.value, YAML_1_1);
  } catch {
    // Text that YAML cannot parse is still text.
    value = rule.value;
  }
  return {
    node: rule.node === '' ? EVERY_NODE : rule.node,
    values: new Map([[rule.name, value ?? rule.value]]),
  };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]! : String(error);
}
