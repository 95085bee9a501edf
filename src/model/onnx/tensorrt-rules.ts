import { GraphIndex } from './graph-index.ts';
import type { Model } from './model.ts';
import type { NodeProto } from './schema.ts';
import { checkPlacement } from './tensorrt-placement.ts';
import { checkQuantizers } from './tensorrt-quantizers.ts';
import { TENSORRT_RULES, type TensorrtRule, type TensorrtViolation } from './tensorrt-rule.ts';
import { checkTypes } from './tensorrt-types.ts';
import { checkWeights } from './tensorrt-weights.ts';

/**
 * Checks a graph with QuantizeLinear and DequantizeLinear nodes against TensorRT's rules for explicit
 * quantization (TensorRT 10), which an engine build would only report after minutes on the device, or not at
 * all. Empty if it breaks none; a graph without quantization can only break `uint8` (see `castInputFirst`).
 * Bodies of If and Loop are not checked. The model is not changed.
 */
export function checkTensorrtRules(model: Model): TensorrtViolation[] {
  const index = new GraphIndex(model);
  const violations: TensorrtViolation[] = [];
  const report = (rule: TensorrtRule, node: NodeProto, message: string): void => {
    violations.push({ rule, node: nodeName(node), message, ...TENSORRT_RULES[rule] });
  };
  checkTypes(model, index, report);
  checkQuantizers(model, index, report);
  checkWeights(model, index, report);
  checkPlacement(model, index, report);
  return violations;
}

function nodeName({ name, opType, output }: NodeProto): string {
  return name === '' ? `${opType} of ${output[0] ?? 'nothing'}` : name;
}
