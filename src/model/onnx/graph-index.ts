import type { Model } from './model.ts';
import type { NodeProto, TensorProto } from './schema.ts';

/**
 * Producers and readers of each tensor of a graph, as of construction. Bodies of If and Loop are not
 * included.
 */
export class GraphIndex {
  readonly #producers = new Map<string, NodeProto>();
  readonly #readers = new Map<string, NodeProto[]>();
  readonly #constants = new Map<string, TensorProto>();
  readonly #outputs: ReadonlySet<string>;

  constructor({ graph }: Model) {
    for (const tensor of graph.initializer) this.#constants.set(tensor.name, tensor);
    for (const node of graph.node) {
      const value = node.opType === 'Constant' ? node.attribute[0]?.t : undefined;
      for (const name of node.output) {
        if (value === undefined) this.#producers.set(name, node);
        else this.#constants.set(name, value);
      }
      for (const name of new Set(node.input)) {
        const readers = this.#readers.get(name);
        if (readers === undefined) this.#readers.set(name, [node]);
        else readers.push(node);
      }
    }
    this.#outputs = new Set(graph.output.map(({ name }) => name));
  }

  /** The value of an initializer or Constant node; null for tensors that are computed, fed or missing. */
  constant(name: string | undefined): TensorProto | null {
    return this.#constants.get(name ?? '') ?? null;
  }

  /** The node that computes a tensor; null for constants, inputs of the graph and missing tensors. */
  producer(name: string | undefined): NodeProto | null {
    return this.#producers.get(name ?? '') ?? null;
  }

  /** Nodes that read a tensor, in execution order, each once. */
  readers(name: string | undefined): readonly NodeProto[] {
    return this.#readers.get(name ?? '') ?? [];
  }

  isOutput(name: string | undefined): boolean {
    return this.#outputs.has(name ?? '');
  }
}
