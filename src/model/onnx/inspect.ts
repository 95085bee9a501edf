import type { BundleVariant } from '../../contract/bundle.ts';
import type { Model } from './model.ts';
import { DATA_TYPE, type TensorProto } from './schema.ts';
import { elementCount } from './tensors.ts';

const BYTE_TYPES = new Set([2, 3]);

function* constants(model: Model): Generator<TensorProto> {
  yield* model.graph.initializer;
  for (const { opType, attribute } of model.graph.node) {
    const value = opType === 'Constant' ? attribute[0]?.t : undefined;
    if (value !== undefined) yield value;
  }
}

/**
 * Number of trained parameters: elements of float, half and 8-bit constants with at least one axis. Shapes
 * and indices are not counted.
 */
export function countParameters(model: Model): number {
  let total = 0;
  for (const tensor of constants(model)) {
    const learned =
      tensor.dataType === DATA_TYPE.FLOAT ||
      tensor.dataType === DATA_TYPE.FLOAT16 ||
      BYTE_TYPES.has(tensor.dataType);
    if (learned && tensor.dims.length > 0) total += elementCount(tensor);
  }
  return total;
}

/** The precision of most weights; `mixed` if both 8-bit and float weights matter. */
export function precisionOf(model: Model): BundleVariant['precision'] {
  const elements = { float: 0, half: 0, byte: 0 };
  for (const tensor of constants(model)) {
    const count = elementCount(tensor);
    if (tensor.dataType === DATA_TYPE.FLOAT) elements.float += count;
    else if (tensor.dataType === DATA_TYPE.FLOAT16) elements.half += count;
    else if (BYTE_TYPES.has(tensor.dataType)) elements.byte += count;
  }
  const { float, half, byte } = elements;
  // scales and biases of a quantized network stay in float, so up to a tenth does not count
  if (byte > 0) return float + half > byte / 10 ? 'mixed' : 'int8';
  return half > float ? 'fp16' : 'fp32';
}
