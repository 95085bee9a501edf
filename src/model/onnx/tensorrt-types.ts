import type { GraphIndex } from './graph-index.ts';
import { feedInputs, tensorTypeOf, type Model } from './model.ts';
import { DATA_TYPE, type NodeProto } from './schema.ts';
import type { Report } from './tensorrt-rule.ts';
import { intAttribute } from './tensors.ts';

/**
 * Quantized ONNX operators that TensorRT's importer does not support: it requires QuantizeLinear and
 * DequantizeLinear around float ones.
 */
const UNKNOWN = /^(QLinear.*|.*Integer|DynamicQuantizeLinear|DynamicQuantize.*|QGemm|QAttention)$/;

/** Checks the rules `operator` and `uint8`. */
export function checkTypes(model: Model, index: GraphIndex, report: Report): void {
  for (const node of model.graph.node) {
    if (UNKNOWN.test(node.opType)) {
      report('operator', node, `TensorRT has no ${node.opType}: quantize in QDQ form`);
    }
    if (/^(Deq|Q)uantizeLinear$/.test(node.opType) && node.domain === 'com.microsoft') {
      report('operator', node, `${node.opType} of com.microsoft is ONNX Runtime's own: use the standard one`);
    }
    const bytes = node.opType === 'Cast' && intAttribute(node, 'to', 0) === DATA_TYPE.UINT8;
    if (bytes && index.readers(node.output[0]).length > 0) {
      report(
        'uint8',
        node,
        'uint8 is supported only at inputs and outputs of the network, but this is inside',
      );
    }
  }
  for (const input of feedInputs(model.graph)) {
    if (tensorTypeOf(input)?.elemType !== DATA_TYPE.UINT8) continue;
    for (const node of index.readers(input.name).filter((reader) => !isCastToFloat(reader))) {
      report('uint8', node, `reads the uint8 input ${input.name}, which only a Cast to float may`);
    }
  }
}

function isCastToFloat(node: NodeProto): boolean {
  const to = intAttribute(node, 'to', 0);
  return node.opType === 'Cast' && (to === DATA_TYPE.FLOAT || to === DATA_TYPE.FLOAT16);
}
