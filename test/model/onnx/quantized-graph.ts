import { create } from '@bufbuild/protobuf';
import { makeFloatTensor, makeNode, type AttributeValue } from '../../../src/model/onnx/build.ts';
import type { Model } from '../../../src/model/onnx/model.ts';
import { TensorSchema, type NodeProto, type TensorProto } from '../../../src/model/onnx/schema.ts';
import { makeModel } from '../../device/authoring/tiny-detector.ts';

/** Builds small quantized graphs; each step returns the name of the tensor that it created. */
export class QuantizedGraph {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  #count = 0;

  /** A node of the standard operator set, named after its output. */
  add(
    op: string,
    inputs: string[],
    attributes: Record<string, AttributeValue> = {},
    output?: string,
  ): string {
    const name = output ?? this.#next(op.toLowerCase());
    const node = makeNode(op, inputs, [name], attributes);
    node.name = name;
    this.nodes.push(node);
    return name;
  }

  floats(dims: readonly number[], value = 0.5): string {
    const name = this.#next('floats');
    const count = dims.reduce((product, size) => product * size, 1);
    this.initializers.push(makeFloatTensor(name, dims, new Array<number>(count).fill(value)));
    return name;
  }

  /** An integer constant with one (int8 is type 3, uint8 type 2) or four (int32, 6) bytes per element, all the same. */
  integers(dims: readonly number[], value = 0, dataType = 3): string {
    const name = this.#next('integers');
    const count = dims.reduce((product, size) => product * size, 1);
    const rawData = new Uint8Array(dataType === 6 ? 4 * count : count).fill(value & 0xff);
    this.initializers.push(create(TensorSchema, { name, dims: dims.map(BigInt), dataType, rawData }));
    return name;
  }

  quantize(input: string, zeroPoint = 0, type = 3, scale = 0.1): string {
    return this.add('QuantizeLinear', [input, this.floats([], scale), this.integers([], zeroPoint, type)]);
  }

  dequantize(input: string, zeroPoint = 0, type = 3): string {
    return this.add('DequantizeLinear', [input, this.floats([], 0.1), this.integers([], zeroPoint, type)]);
  }

  /** A Quantize-Dequantize pair with one scale. */
  pair(input: string): string {
    return this.dequantize(this.quantize(input));
  }

  /** int8 weights with a scale for each channel along `axis`. */
  weights(dims: readonly number[], axis = 0): string {
    const channels = dims[axis] ?? 1;
    return this.add(
      'DequantizeLinear',
      [this.integers(dims, 3), this.floats([channels], 0.01), this.integers([channels])],
      { axis },
    );
  }

  /** A 1x1 convolution from 4 to 4 channels with int8 weights and a float bias. */
  conv(input: string): string {
    return this.add('Conv', [input, this.weights([4, 4, 1, 1]), this.floats([4])]);
  }

  silu(input: string): string {
    return this.add('Mul', [input, this.add('Sigmoid', [input])]);
  }

  model(output: string): Model {
    return makeModel({
      nodes: this.nodes,
      initializers: this.initializers,
      input: ['picture', [1, 4, 8, 8]],
      output: [output, [1, 4, 8, 8]],
    });
  }

  #next(stem: string): string {
    this.#count += 1;
    return `${stem}${this.#count}`;
  }
}
