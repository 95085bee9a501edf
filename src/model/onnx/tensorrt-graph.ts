import type { GraphIndex } from './graph-index.ts';
import type { NodeProto } from './schema.ts';

/** Layers with weights, which TensorRT runs in int8 if their inputs are dequantized values. */
const WEIGHTED = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

const standard = ({ domain }: NodeProto): boolean => domain === '' || domain === 'ai.onnx';

export function isQuantize(node: NodeProto): boolean {
  return node.opType === 'QuantizeLinear' && standard(node);
}

export function isDequantize(node: NodeProto): boolean {
  return node.opType === 'DequantizeLinear' && standard(node);
}

export function isWeighted(node: NodeProto): boolean {
  return WEIGHTED.has(node.opType) && standard(node);
}

/** The QuantizeLinear node that outputs a tensor, or null. */
export function quantizeOf(index: GraphIndex, name: string | undefined): NodeProto | null {
  const producer = index.producer(name);
  return producer !== null && isQuantize(producer) ? producer : null;
}

/** True if a tensor is the output of a DequantizeLinear node. */
export function isDequantized(index: GraphIndex, name: string | undefined): boolean {
  const producer = index.producer(name);
  return producer !== null && isDequantize(producer);
}

/** The weighted layer that a tensor comes from, directly or through the batch normalization that is fused with it. */
export function weightedSource(index: GraphIndex, name: string | undefined): NodeProto | null {
  const producer = index.producer(name);
  if (producer?.opType === 'BatchNormalization') return weightedSource(index, producer.input[0]);
  return producer !== null && isWeighted(producer) ? producer : null;
}

/** The tensor before a Quantize-Dequantize pair; the tensor itself if there is no pair. */
export function beforePair(index: GraphIndex, name: string): string {
  if (!isDequantized(index, name)) return name;
  return quantizeOf(index, index.producer(name)?.input[0])?.input[0] ?? name;
}
