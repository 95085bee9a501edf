import type { Model } from './model.ts';
import type { NodeProto, TensorProto } from './schema.ts';

/**
 * Who makes and who reads each tensor of a graph, as it was when this was made. Bodies of If and Loop are not
 * looked into.
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

  /** The value of an initializer or of a Constant node; null for what is computed, fed or not there. */
  constant(name: string | undefined): TensorProto | null {
    return this.#constants.get(name ?? '') ?? null;
  }

  /** The node that computes a tensor; null for constants, for inputs of the graph, and for what is not there. */
  producer(name: string | undefined): NodeProto | null {
    return this.#producers.get(name ?? '') ?? null;
  }

  /** Nodes that read a tensor, in the order they run, each once. */
  readers(name: string | undefined): readonly NodeProto[] {
    return this.#readers.get(name ?? '') ?? [];
  }

  isOutput(name: string | undefined): boolean {
    return this.#outputs.has(name ?? '');
  }
}
