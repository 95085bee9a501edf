import { makeNode } from './build.ts';
import { feedInputs, tensorTypeOf, type Model } from './model.ts';
import { redirectReaders } from './rename.ts';
import { DATA_TYPE, type ValueInfoProto } from './schema.ts';

/**
 * Adds casts around a half-precision graph, in place, so that its inputs and outputs are float32: JavaScript
 * on Node 20 has no half-precision arrays. Other types are unchanged.
 */
export function castHalfBoundaries(model: Model): void {
  const { graph } = model;
  for (const input of feedInputs(graph)) {
    if (!toFloat(input)) continue;
    const half = `goshawk_half_${input.name}`;
    redirectReaders(graph, input.name, half);
    graph.node.unshift(makeNode('Cast', [input.name], [half], { to: DATA_TYPE.FLOAT16 }));
  }
  for (const output of graph.output) {
    if (!toFloat(output)) continue;
    const half = `goshawk_half_${output.name}`;
    redirectReaders(graph, output.name, half);
    for (const node of graph.node) {
      node.output = node.output.map((name) => (name === output.name ? half : name));
    }
    graph.node.push(makeNode('Cast', [half], [output.name], { to: DATA_TYPE.FLOAT }));
  }
}

function toFloat(value: ValueInfoProto): boolean {
  const type = tensorTypeOf(value);
  if (type?.elemType !== DATA_TYPE.FLOAT16) return false;
  type.elemType = DATA_TYPE.FLOAT;
  return true;
}
