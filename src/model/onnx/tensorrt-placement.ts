import type { GraphIndex } from './graph-index.ts';
import type { Model } from './model.ts';
import type { NodeProto } from './schema.ts';
import { beforePair, isDequantize, isDequantized, isQuantize, weightedSource } from './tensorrt-graph.ts';
import type { Report } from './tensorrt-rule.ts';

/** Operators that TensorRT fuses with the weighted layer before them. */
const FUSED = new Set([
  'BatchNormalization',
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Clip',
  'Elu',
  'Selu',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Softplus',
  'Tanh',
  'Gelu',
  'Mish',
]);

/** Checks the position of Quantize-Dequantize pairs between layers: `fusion` and `residual`. */
export function checkPlacement(model: Model, index: GraphIndex, report: Report): void {
  const gates = new Set<NodeProto>();
  for (const node of model.graph.node) {
    if (node.opType === 'Mul') checkGate(index, node, gates, report);
    if (node.opType === 'Add') checkResidual(index, node, report);
  }
  for (const node of model.graph.node) {
    if (isQuantize(node)) checkFusion(index, node, gates, report);
  }
}

/**
 * SiLU and similar activations are two nodes, `y = x * sigmoid(x)`, fused into one kernel with the layer that
 * computes x. Reported once, for the Mul; the sigmoid is added to `gates` so that it is not reported again.
 */
function checkGate(index: GraphIndex, mul: NodeProto, gates: Set<NodeProto>, report: Report): void {
  const [left = '', right = ''] = mul.input;
  for (const [gated, through] of [
    [left, right],
    [right, left],
  ] as const) {
    const sigmoid = index.producer(beforePair(index, gated));
    if (sigmoid?.opType !== 'Sigmoid' && sigmoid?.opType !== 'HardSigmoid') continue;
    const [inside = ''] = sigmoid.input;
    const source = beforePair(index, through);
    if (beforePair(index, inside) !== source || weightedSource(index, source) === null) continue;
    gates.add(sigmoid);
    if (beforePair(index, gated) === gated && source === through && source === inside) continue;
    report(
      'fusion',
      mul,
      'a Quantize-Dequantize pair is between a weighted layer and its x * sigmoid(x): quantize ' +
        'the output of the multiplication',
    );
  }
}

/** A pair on the output of a weighted layer prevents fusion with its activation. */
function checkFusion(
  index: GraphIndex,
  quantize: NodeProto,
  gates: ReadonlySet<NodeProto>,
  report: Report,
): void {
  const source = weightedSource(index, quantize.input[0]);
  if (source === null) return;
  const readers = index
    .readers(quantize.output[0])
    .filter(isDequantize)
    .flatMap(({ output }) => index.readers(output[0]));
  const fused = readers.find((node) => FUSED.has(node.opType) && !gates.has(node));
  if (fused !== undefined) {
    report(
      'fusion',
      quantize,
      `it is between ${source.opType} and ${fused.opType}, which are one kernel: quantize the ` +
        `output of ${fused.opType}`,
    );
  }
}

/**
 * An Add is fused with the quantized layer on one side if the other side is dequantized values, and is a
 * separate int8 layer if both are. With dequantized values on one side and other float values on the other,
 * it needlessly runs in float.
 */
function checkResidual(index: GraphIndex, add: NodeProto, report: Report): void {
  const [left, right] = add.input;
  const quantized = [left, right].filter((name) => isDequantized(index, name));
  const other = [left, right].find((name) => !isDequantized(index, name));
  if (quantized.length !== 1 || index.constant(other) !== null) return;
  const source = weightedSource(index, other);
  if (source !== null && isDequantized(index, source.input[0])) return;
  report(
    'residual',
    add,
    'one of its inputs is quantized, the other is neither quantized nor the output of a ' +
      'quantized layer: quantize both or none',
  );
}
