import { makeFloatTensor, makeInt64Tensor, makeNode } from '../../../src/model/onnx/build.ts';
import { writeModel } from '../../../src/model/onnx/model.ts';
import type { NodeProto, TensorProto } from '../../../src/model/onnx/schema.ts';
import { createRandom } from '../../../src/core/random.ts';
import { makeModel } from '../../device/authoring/tiny-detector.ts';

/** Side of the network's input, pixels. */
export const SMALL_SIZE = 96;

/**
 * A YOLOX-like detector with seeded weights, built like real ones: SiLU, depthwise and pointwise convolutions, a
 * residual sum, pooling, three strides. It is untrained, but it reacts to images, and its own detections serve as
 * labels that it is good at: the effect of quantization is then a loss of AP like any other.
 */
export function smallDetector(classes: number): Uint8Array {
  const random = createRandom(11);
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const add = (op: string, inputs: string[], output: string, attributes = {}): string => {
    nodes.push(makeNode(op, inputs, [output], attributes));
    return output;
  };
  const tensor = (name: string, dims: number[], spread: number): string => {
    const count = dims.reduce((total, size) => total * size, 1);
    initializers.push(
      makeFloatTensor(
        name,
        dims,
        Float32Array.from({ length: count }, () => spread * random.bell()),
      ),
    );
    return name;
  };
  const conv = (
    from: string,
    name: string,
    shape: [number, number],
    k: number,
    stride = 1,
    group = 1,
  ): string => {
    const [into, out] = shape;
    const fan = (into / group) * k * k;
    const weights = tensor(`${name}_w`, [out, into / group, k, k], 1.6 / Math.sqrt(fan));
    return add('Conv', [from, weights, tensor(`${name}_b`, [out], 0.1)], name, {
      kernel_shape: [k, k],
      strides: [stride, stride],
      pads: Array.from({ length: 4 }, () => (k - 1) / 2),
      group,
    });
  };
  const silu = (from: string): string => add('Mul', [from, add('Sigmoid', [from], `${from}_s`)], `${from}_a`);
  const separable = (from: string, name: string, shape: [number, number], stride: number): string => {
    const deep = silu(conv(from, `${name}_dw`, [shape[0], shape[0]], 3, stride, shape[0]));
    return silu(conv(deep, `${name}_pw`, shape, 1));
  };

  initializers.push(makeFloatTensor('scale', [], [1 / 64]));
  const scaled = add('Mul', ['images', 'scale'], 'scaled');
  const stem = silu(conv(scaled, 'stem', [3, 16], 3, 2));
  const c4 = separable(stem, 'c4', [16, 32], 2);
  const c8 = separable(c4, 'c8', [32, 48], 2);
  const sum = add('Add', [c8, separable(c8, 'r8', [48, 48], 1)], 'sum');
  const c16 = separable(sum, 'c16', [48, 64], 2);
  const pool = add('MaxPool', [c16], 'pool', { kernel_shape: [5, 5], pads: [2, 2, 2, 2], strides: [1, 1] });
  const both = add('Concat', [c16, pool], 'both', { axis: 1 });
  const c32 = separable(both, 'c32', [128, 64], 2);
  const heads = [
    [sum, 48],
    [both, 128],
    [c32, 64],
  ] as const;
  const flat = heads.map(([from, channels], i) => {
    const feature = silu(conv(from, `h${i}`, [channels, 32], 1));
    const boxes = add('Mul', [conv(feature, `box${i}`, [32, 4], 1), 'soft'], `box${i}_soft`);
    const scores = add('Sigmoid', [conv(feature, `score${i}`, [32, 1 + classes], 3)], `score${i}_s`);
    const joined = add('Concat', [boxes, scores], `head${i}`, { axis: 1 });
    return add('Reshape', [joined, 'rows'], `flat${i}`);
  });
  initializers.push(makeFloatTensor('soft', [], [0.3]), makeInt64Tensor('rows', [1, 5 + classes, -1]));
  add('Transpose', [add('Concat', flat, 'all', { axis: 2 })], 'output', { perm: [0, 2, 1] });
  const cells = (SMALL_SIZE / 8) ** 2 + (SMALL_SIZE / 16) ** 2 + (SMALL_SIZE / 32) ** 2;
  return writeModel(
    makeModel({
      nodes,
      initializers,
      input: ['images', [1, 3, SMALL_SIZE, SMALL_SIZE]],
      output: ['output', [1, cells, 5 + classes]],
    }),
  );
}
