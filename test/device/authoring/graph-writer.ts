import { makeFloatTensor, makeInt64Tensor, makeNode } from '../../../src/model/onnx/build.ts';
import type { NodeProto, TensorProto } from '../../../src/model/onnx/schema.ts';

/** Collects the nodes and constants of a graph; each call returns the name of what it added. */
export class GraphWriter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];

  readonly constant = (name: string, dims: readonly number[], values: ArrayLike<number>): string => {
    this.initializers.push(makeFloatTensor(name, dims, values));
    return name;
  };

  readonly integers = (name: string, values: readonly number[]): string => {
    this.initializers.push(makeInt64Tensor(name, values));
    return name;
  };

  readonly add = (op: string, inputs: string[], output: string, attributes = {}): string => {
    this.nodes.push(makeNode(op, inputs, [output], attributes));
    return output;
  };
}
