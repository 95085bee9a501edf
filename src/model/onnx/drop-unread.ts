import type { Model } from './model.ts';
import { visitInputs } from './rename.ts';
import type { GraphProto } from './schema.ts';

/** Removes nodes and constants that are no longer read. */
export function dropUnread({ graph }: Model): void {
  for (let before = -1; before !== graph.node.length;) {
    before = graph.node.length;
    const read = namesRead(graph);
    graph.node = graph.node.filter(({ output }) => output.some((name) => read.has(name)));
  }
  const read = namesRead(graph);
  // a constant that is also listed as an input would have to be fed if its value were removed
  for (const { name } of graph.input) read.add(name);
  graph.initializer = graph.initializer.filter(({ name }) => read.has(name));
}

function namesRead(graph: GraphProto): Set<string> {
  const read = new Set(graph.output.map(({ name }) => name));
  visitInputs(graph, (inputs) => {
    for (const name of inputs) read.add(name);
  });
  return read;
}
