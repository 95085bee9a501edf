import type { GraphIndex } from './graph-index.ts';
import type { Model } from './model.ts';
import { DATA_TYPE, type NodeProto, type TensorProto } from './schema.ts';
import { isDequantize, isDequantized, isWeighted, quantizeOf } from './tensorrt-graph.ts';
import type { Report } from './tensorrt-rule.ts';
import { elementCount, intAttribute } from './tensors.ts';

/**
 * Operators that only move or cast weights. Between a DequantizeLinear and its layer they hide that the
 * weights are int8.
 */
const MOVES = new Set(['Transpose', 'Reshape', 'Cast', 'Identity', 'Unsqueeze', 'Squeeze', 'Flatten']);

/**
 * Checks the inputs of layers with weights: `both-inputs`, `weight-placement`, `weight-axis`,
 * `weight-per-channel`, `bias`.
 */
export function checkWeights(model: Model, index: GraphIndex, report: Report): void {
  for (const node of model.graph.node) {
    if (!isWeighted(node)) continue;
    const dequantize = weightDequantize(index, node, report);
    const quantized = isDequantized(index, node.input[0]);
    if (quantized && dequantize === null) {
      report('both-inputs', node, 'its data is quantized but its weights are not: it runs in float');
    } else if (!quantized && dequantize !== null) {
      report('both-inputs', node, 'its weights are quantized but its data is not: it runs in float');
    }
    if (dequantize !== null) checkWeightQuantizers(index, node, dequantize, report);
    checkBias(index, node, report);
  }
}

/** The DequantizeLinear behind a layer's second input. Nodes in between are reported. */
function weightDequantize(index: GraphIndex, node: NodeProto, report: Report): NodeProto | null {
  const direct = index.producer(node.input[1]);
  let producer = direct;
  while (producer !== null && MOVES.has(producer.opType)) producer = index.producer(producer.input[0]);
  if (producer === null || !isDequantize(producer)) return null;
  if (producer !== direct) {
    report(
      'weight-placement',
      node,
      `${direct?.opType ?? ''} is between it and the DequantizeLinear of its weights: move it before the quantization`,
    );
  }
  return producer;
}

function checkWeightQuantizers(
  index: GraphIndex,
  node: NodeProto,
  dequantize: NodeProto,
  report: Report,
): void {
  const quantize = quantizeOf(index, dequantize.input[0]);
  const weights = index.constant(dequantize.input[0]) ?? index.constant(quantize?.input[0]);
  if (weights === null) {
    // a product of two activations has no weights, but a convolution must have them
    if (node.opType !== 'MatMul') {
      report('weight-placement', node, 'its weights are computed at run time');
    }
    return;
  }
  for (const quantizer of quantize === null ? [dequantize] : [quantize, dequantize]) {
    checkAxis(index, node, quantizer, weights, report);
  }
}

/** Axis of a layer's output channels within its weights, without groups. */
function channelAxis(node: NodeProto, weights: TensorProto): number {
  if (node.opType === 'Conv') return 0;
  if (node.opType === 'ConvTranspose') return 1;
  if (node.opType === 'Gemm') return intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
  return weights.dims.length - 1;
}

function checkAxis(
  index: GraphIndex,
  node: NodeProto,
  quantizer: NodeProto,
  weights: TensorProto,
  report: Report,
): void {
  const scale = index.constant(quantizer.input[1]);
  if (scale === null) return;
  const expected = channelAxis(node, weights);
  const channels = Number(weights.dims[expected] ?? 1);
  const scales = elementCount(scale);
  if (scales === 1) {
    // transposed convolutions are exempt: int8 kernels for them with a scale per channel are rare
    if (channels > 1 && node.opType !== 'ConvTranspose') {
      report(
        'weight-per-channel',
        quantizer,
        `one scale for ${channels} output channels: use one per channel`,
      );
    }
    return;
  }
  const given = intAttribute(quantizer, 'axis', 1);
  const axis = given < 0 ? given + weights.dims.length : given;
  if (axis !== expected) {
    report(
      'weight-axis',
      quantizer,
      `its scales are along axis ${axis}, but the output channels of ${node.opType} are along ${expected}`,
    );
  } else if (scales !== channels) {
    report('weight-axis', quantizer, `it has ${scales} scales for ${channels} output channels`);
  }
}

function checkBias(index: GraphIndex, node: NodeProto, report: Report): void {
  const name = node.input[2];
  if (name === undefined || name === '') return;
  const constant = index.constant(name);
  const float = constant?.dataType === DATA_TYPE.FLOAT || constant?.dataType === DATA_TYPE.FLOAT16;
  if (isDequantized(index, name) || (constant !== null && !float)) {
    report('bias', node, 'its bias is quantized, but TensorRT accepts only float (QuantizeBias: false)');
  }
}
