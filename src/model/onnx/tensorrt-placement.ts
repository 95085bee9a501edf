import type { GraphIndex } from './graph-index.ts';
import type { Model } from './model.ts';
import type { NodeProto } from './schema.ts';
import { beforePair, isDequantize, isDequantized, isQuantize, weightedSource } from './tensorrt-graph.ts';
import type { Report } from './tensorrt-rule.ts';

/** What TensorRT computes in the same kernel as the weighted layer before it. */
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

/** Where Quantize-Dequantize pairs stand between layers: `fusion` and `residual`. */
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
 * SiLU and its like are two nodes, `y = x * sigmoid(x)`, and one kernel with the layer that made x. Told once
 * for the Mul; the sigmoid is kept in `gates` so that it is not told again.
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
      'a Quantize-Dequantize pair stands between a weighted layer and its x * sigmoid(x): ' +
        'quantize what comes out of the multiplication',
    );
  }
}

/** A pair on what a weighted layer gives keeps it apart from its activation. */
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
      `it stands between ${source.opType} and ${fused.opType}, which are one kernel: quantize ` +
        `what comes out of ${fused.opType}`,
    );
  }
}

/**
 * An Add is fused with the quantized layer on one of its sides where the other side is dequantized values,
 * and is an int8 layer of its own where both are. Dequantized on one side and float from elsewhere on the
 * other, it runs in float for nothing.
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
    'one of its inputs is quantized, the other is neither that nor the output of a quantized ' +
      'layer: quantize both or none',
  );
}
