import { readFile } from 'node:fs/promises';
import { readModel, writeModel } from '../../model/onnx/model.ts';
import { castInputFirst } from '../../model/onnx/tensorrt-input.ts';
import { writeFileWhole } from '../../platform/atomic-file.ts';
import type { TensorrtViolation } from '../../model/onnx/tensorrt-rule.ts';
import { checkTensorrtRules } from '../../model/onnx/tensorrt-rules.ts';

/** How a graph fits TensorRT's rules. */
export interface TensorrtFit {
  /** why TensorRT would not build an engine; null if it would */
  readonly refused: string | null;
  /** broken rules, in words; those that only cost speed or accuracy do not prevent a build */
  readonly findings: readonly string[];
}

/** Maximum number of nodes listed per rule: a graph breaks it at every layer or at none. */
const MAX_NODES = 3;

/**
 * Moves the Cast of a quantized graph's image to the front, as TensorRT requires, and checks the rules. The
 * file is replaced.
 */
export async function fitForTensorrt(file: string): Promise<TensorrtFit> {
  const model = readModel(await readFile(file), file);
  if (castInputFirst(model)) await writeFileWhole(file, writeModel(model));
  const violations = checkTensorrtRules(model);
  const refusals = violations.filter(({ effect }) => effect === 'refused');
  const findings = grouped(violations);
  const [first] = refusals;
  return {
    refused: first === undefined ? null : `TensorRT would refuse it: ${first.message} (${first.node})`,
    findings,
  };
}

/** One line per rule and problem, with the nodes at fault. */
function grouped(violations: readonly TensorrtViolation[]): string[] {
  const nodes = new Map<string, string[]>();
  for (const { rule, node, effect, message } of violations) {
    const text = `${rule} (${effect}): ${message}`;
    nodes.set(text, [...(nodes.get(text) ?? []), node]);
  }
  return [...nodes].map(([text, names]) => {
    const more = names.length > MAX_NODES ? ` and ${names.length - MAX_NODES} more` : '';
    return `${text}, at ${names.slice(0, MAX_NODES).join(', ')}${more}`;
  });
}
