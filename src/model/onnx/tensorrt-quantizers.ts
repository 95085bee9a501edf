import type { GraphIndex } from './graph-index.ts';
import type { Model } from './model.ts';
import { DATA_TYPE, type NodeProto, type TensorProto } from './schema.ts';
import { isDequantize, isQuantize, isWeighted, quantizeOf } from './tensorrt-graph.ts';
import type { Report } from './tensorrt-rule.ts';
import { elementCount, intAttribute, readFloats, readIntegers } from './tensors.ts';

const TYPE_NAMES = new Map<number, string>(
  Object.entries(DATA_TYPE).map(([name, code]) => [code, name.toLowerCase()]),
);

const typeName = (code: number): string => TYPE_NAMES.get(code) ?? `type ${code}`;

/**
 * Checks single QuantizeLinear and DequantizeLinear nodes: `scale`, `type`, `zero-point`, `pairing`,
 * `activation-per-tensor`.
 */
export function checkQuantizers(model: Model, index: GraphIndex, report: Report): void {
  for (const node of model.graph.node) {
    if (!isQuantize(node) && !isDequantize(node)) continue;
    // weights that the bias rule of another layer covers are not reported twice
    if (isDequantize(node) && isBias(index, node)) continue;
    checkScale(index, node, report);
    checkZeroPoint(index, node, report);
    checkPairing(index, node, report);
  }
}

/** True for int32 constants used as a bias, which `checkWeights` reports. */
function isBias(index: GraphIndex, node: NodeProto): boolean {
  const data = index.constant(node.input[0]);
  return (
    data?.dataType === DATA_TYPE.INT32 &&
    index.readers(node.output[0]).every((reader) => isWeighted(reader) && reader.input[2] === node.output[0])
  );
}

function checkScale(index: GraphIndex, node: NodeProto, report: Report): void {
  const scale = index.constant(node.input[1]);
  if (scale === null) {
    report('scale', node, 'its scale is computed at run time, but must be a constant');
    return;
  }
  const values = readFloats(scale);
  if (values === null) {
    report('scale', node, `its scale is ${typeName(scale.dataType)}, but must be float32 inside the file`);
  } else if (values.length === 0 || !values.every((value) => Number.isFinite(value) && value > 0)) {
    report('scale', node, 'its scales must be finite and above 0');
  }
  if (elementCount(scale) > 1 && index.constant(node.input[0]) === null && !isConstantPair(index, node)) {
    report(
      'activation-per-tensor',
      node,
      `it has ${elementCount(scale)} scales for an activation, which may have only one`,
    );
  }
}

/** True for the DequantizeLinear of a Quantize-Dequantize pair on constant weights. */
function isConstantPair(index: GraphIndex, node: NodeProto): boolean {
  const quantize = quantizeOf(index, node.input[0]);
  return quantize !== null && index.constant(quantize.input[0]) !== null;
}

function checkZeroPoint(index: GraphIndex, node: NodeProto, report: Report): void {
  const data = index.constant(node.input[0]);
  if (isDequantize(node) && data !== null && data.dataType !== DATA_TYPE.INT8) {
    report('type', node, `it dequantizes ${typeName(data.dataType)} constants, but TensorRT supports int8`);
  }
  const name = node.input[2];
  if (name !== undefined && name !== '') {
    const zeroPoint = index.constant(name);
    if (zeroPoint !== null) checkZeros(index, node, zeroPoint, report);
    else {
      report('zero-point', node, 'its zero point is computed at run time, but must be a constant 0');
    }
  } else if (isQuantize(node) && intAttribute(node, 'output_dtype', DATA_TYPE.UINT8) !== DATA_TYPE.INT8) {
    report(
      'type',
      node,
      'without a zero point ONNX means uint8 but TensorRT assumes int8: add an int8 zero point of 0',
    );
  }
}

function checkZeros(index: GraphIndex, node: NodeProto, zeroPoint: TensorProto, report: Report): void {
  if (zeroPoint.dataType !== DATA_TYPE.INT8) {
    const found = typeName(zeroPoint.dataType);
    report('type', node, `its values are ${found}, but TensorRT assumes int8: quantize to int8`);
  }
  const values = readIntegers(zeroPoint);
  const wrong = values?.find((value) => value !== 0);
  if (values === null || wrong !== undefined) {
    const found = wrong === undefined ? 'not readable' : String(wrong);
    report('zero-point', node, `its zero point is ${found}, but must be 0: quantize symmetrically`);
  }
  const scale = index.constant(node.input[1]);
  const zeros = elementCount(zeroPoint);
  if (scale !== null && elementCount(scale) !== zeros) {
    report('zero-point', node, `it has ${elementCount(scale)} scales and ${zeros} zero points`);
  }
}

/** int8 values may only exist between a QuantizeLinear and its DequantizeLinear nodes. */
function checkPairing(index: GraphIndex, node: NodeProto, report: Report): void {
  const [output] = node.output;
  if (isDequantize(node)) {
    const fed = index.constant(node.input[0]) === null && quantizeOf(index, node.input[0]) === null;
    if (fed) report('pairing', node, 'it dequantizes values that do not come from a QuantizeLinear');
    return;
  }
  const reader = index.readers(output).find((other) => !isDequantize(other));
  if (reader !== undefined) {
    report('pairing', node, `${reader.opType} reads its int8 values, but only a DequantizeLinear may`);
  }
  if (index.isOutput(output)) report('pairing', node, 'its int8 values are an output of the graph');
}
