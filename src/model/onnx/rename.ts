import type { GraphProto, NodeProto } from './schema.ts';

/** Bodies of If, Loop and similar operators. */
export function nestedGraphs(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
}

/**
 * Calls `visit` with every node's list of inputs, those of nested graphs included: a nested graph sees the
 * outer names.
 */
export function visitInputs(graph: GraphProto, visit: (inputs: string[]) => void): void {
  for (const node of graph.node) {
    visit(node.input);
    for (const nested of nestedGraphs(node)) visitInputs(nested, visit);
  }
}

/** Redirects every reader of `from` to `to`. */
export function redirectReaders(graph: GraphProto, from: string, to: string): void {
  visitInputs(graph, (inputs) => {
    inputs.forEach((name, i) => {
      if (name === from) inputs[i] = to;
    });
  });
}

/** True if a nested graph reads one of `names`. */
export function readByNestedGraph(graph: GraphProto, names: ReadonlySet<string>): boolean {
  let found = false;
  for (const node of graph.node) {
    for (const nested of nestedGraphs(node)) {
      visitInputs(nested, (inputs) => (found ||= inputs.some((name) => names.has(name))));
    }
  }
  return found;
}
