import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleVariant } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import type { Bundle } from './bundle.ts';
import { isEngineContext } from './onnx/engine-context.ts';
import { feedInputs, readModel, shapeOf, writeModel, type Model } from './onnx/model.ts';
import { castInputFirst } from './onnx/tensorrt-input.ts';
import type { TensorrtViolation } from './onnx/tensorrt-rule.ts';
import { checkTensorrtRules } from './onnx/tensorrt-rules.ts';

/** The input for trtexec. */
export interface EngineInput {
  readonly variant: BundleVariant;
  /** an ONNX file */
  readonly bytes: Uint8Array;
  /** input shapes for trtexec's --minShapes, --optShapes and --maxShapes; null if the graph fixes them */
  readonly shapes: { readonly min: string; readonly opt: string; readonly max: string } | null;
  /** violations that cost speed or accuracy but do not prevent a build */
  readonly notes: readonly TensorrtViolation[];
}

/** Maximum number of broken rules that an error lists. */
const MAX_TOLD = 4;

/**
 * Reads the variant of a bundle that an engine is built from, and moves its Cast in front, which TensorRT
 * requires. Of several variants for TensorRT the first is used; with `int8` the first that is quantized.
 * Throws GOSHAWK_ENGINE_INPUT if there is none, if int8 is requested for a graph without quantization, or if
 * the graph breaks a rule that TensorRT enforces.
 */
export async function readEngineInput(
  bundle: Bundle,
  wanted: string | null,
  int8: boolean,
): Promise<EngineInput> {
  const variant = choose(bundle, wanted, int8);
  const refuse = (reason: string): never => {
    const { name, version } = bundle.manifest;
    throw new GoshawkError('GOSHAWK_ENGINE_INPUT', {
      variant: variant.id,
      bundle: `${name}@${version}`,
      reason,
    });
  };
  const file = join(bundle.folder, variant.file);
  const model = readModel(await readFile(file), file);
  if (isEngineContext(model)) return refuse('it is an engine already');
  castInputFirst(model);
  if (int8 && !model.graph.node.some(({ opType }) => opType === 'QuantizeLinear')) {
    return refuse(
      'it has no QuantizeLinear nodes, so trtexec --int8 would invent the ranges and the engine would detect nothing',
    );
  }
  const violations = checkTensorrtRules(model);
  const fatal = violations.filter(({ effect }) => effect === 'refused');
  if (fatal.length > 0) return refuse(inWords(fatal));
  return { variant, bytes: writeModel(model), shapes: shapesOf(model, variant), notes: violations };
}

/** A graph that breaks a rule usually does so at every layer, so a few examples are enough. */
function inWords(violations: readonly TensorrtViolation[]): string {
  const reported = violations.slice(0, MAX_TOLD).map(describeViolation).join('; ');
  const rest = violations.length - MAX_TOLD;
  return rest > 0 ? `${reported}; and ${rest} more` : reported;
}

export function describeViolation({ rule, node, message }: TensorrtViolation): string {
  return `${node}: ${message} (${rule})`;
}

function choose({ manifest }: Bundle, wanted: string | null, int8: boolean): BundleVariant {
  const offered = manifest.variants.filter(({ id, providers, engine }) =>
    wanted === null ? engine === undefined && providers.includes('tensorrt') : id === wanted,
  );
  const quantized = offered.find(({ precision }) => precision === 'int8' || precision === 'mixed');
  const variant = wanted === null && int8 ? quantized : offered[0];
  if (variant !== undefined) return variant;
  throw new GoshawkError('GOSHAWK_ENGINE_INPUT', {
    variant: wanted ?? (int8 ? 'int8' : 'for tensorrt'),
    bundle: `${manifest.name}@${manifest.version}`,
    reason:
      'there is none; it has ' +
      `${manifest.variants.map(({ id, providers }) => `${id} (${providers.join(', ')})`).join(', ')}`,
  });
}

/** A camera usually delivers one image at a time, so kernels are chosen for that. */
function shapesOf(model: Model, { batch }: BundleVariant): EngineInput['shapes'] {
  const [input] = feedInputs(model.graph);
  const [first, ...rest] = input === undefined ? [] : (shapeOf(input) ?? []);
  if (input === undefined || typeof first === 'number') return null;
  const shape = (count: number): string => `${input.name}:${[count, ...rest].join('x')}`;
  return { min: shape(batch.min), opt: shape(batch.min), max: shape(batch.max) };
}
