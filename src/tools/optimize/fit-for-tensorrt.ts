import { readFile, rename, writeFile } from 'node:fs/promises';
import { readModel, writeModel } from '../../device/bundles/onnx/model.ts';
import { castInputFirst } from '../../device/bundles/onnx/tensorrt-input.ts';
import { checkTensorrtRules } from '../../device/bundles/onnx/tensorrt-rules.ts';

/** What TensorRT would say of a graph. */
export interface TensorrtFit {
  /** why no engine would come of it; null where one would */
  readonly refused: string | null;
  /** rules that are broken, in words; those that cost speed or accuracy alone refuse nothing */
  readonly findings: readonly string[];
}

/** Findings that are told at most; a graph breaks a rule at every layer or at none. */
const MOST_FINDINGS = 20;

/** Has a quantized graph's picture cast first, as TensorRT wants it, and holds it against the rules. The file is replaced. */
export async function fitForTensorrt(file: string): Promise<TensorrtFit> {
  const model = readModel(await readFile(file), file);
  if (castInputFirst(model)) {
    await writeFile(`${file}.new`, writeModel(model), { flush: true });
    await rename(`${file}.new`, file);
  }
  const violations = checkTensorrtRules(model);
  const refusals = violations.filter(({ effect }) => effect === 'refused');
  const told = violations.map(
    ({ rule, node, effect, message }) => `${rule} (${effect}) at ${node}: ${message}`,
  );
  const findings =
    told.length > MOST_FINDINGS
      ? [...told.slice(0, MOST_FINDINGS), `and ${told.length - MOST_FINDINGS} more`]
      : told;
  const [first] = refusals;
  return {
    refused: first === undefined ? null : `TensorRT would refuse it: ${first.message} (${first.node})`,
    findings,
  };
}
