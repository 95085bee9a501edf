import type { NodeProto } from './schema.ts';

const EXPLICIT =
  'https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/quantized-types-explicit-quantization.html';
const OPERATORS = 'https://github.com/onnx/onnx-tensorrt/blob/main/docs/operators.md';
const IMPORTER =
  'https://github.com/onnx/onnx-tensorrt/blob/main/onnxOpImporters.cpp (QuantDequantLinearHelper)';
/** a maintainer: "All UINT8 inputs must directly feed into a cast layer" */
const UINT8_INPUTS = 'https://github.com/NVIDIA/TensorRT/issues/3985';

/**
 * What is checked, what breaking it costs, and where NVIDIA documents it. `refused`: the engine is not built,
 * or computes something other than the graph. `slower`: it is built, but a layer meant for int8 runs in
 * float, or data is converted more often than needed. `accuracy`: it is built and fast, but less accurate
 * than it could be.
 */
export const TENSORRT_RULES = {
  'zero-point': { effect: 'refused', source: OPERATORS },
  type: { effect: 'refused', source: IMPORTER },
  scale: { effect: 'refused', source: IMPORTER },
  operator: { effect: 'refused', source: OPERATORS },
  uint8: { effect: 'refused', source: UINT8_INPUTS },
  pairing: { effect: 'refused', source: OPERATORS },
  bias: { effect: 'refused', source: IMPORTER },
  'activation-per-tensor': { effect: 'refused', source: EXPLICIT },
  'weight-axis': { effect: 'refused', source: IMPORTER },
  'weight-per-channel': { effect: 'accuracy', source: EXPLICIT },
  'weight-placement': { effect: 'slower', source: EXPLICIT },
  'both-inputs': { effect: 'slower', source: EXPLICIT },
  fusion: { effect: 'slower', source: EXPLICIT },
  residual: { effect: 'slower', source: EXPLICIT },
} as const satisfies Record<string, { effect: 'refused' | 'slower' | 'accuracy'; source: string }>;

export type TensorrtRule = keyof typeof TENSORRT_RULES;

export interface TensorrtViolation {
  readonly rule: TensorrtRule;
  /** name of the node at fault, or its operator and output if it has no name */
  readonly node: string;
  readonly effect: (typeof TENSORRT_RULES)[TensorrtRule]['effect'];
  /** what is wrong and how to fix it */
  readonly message: string;
  /** where NVIDIA documents it */
  readonly source: string;
}

/** Receives what a check found. */
export type Report = (rule: TensorrtRule, node: NodeProto, message: string) => void;
