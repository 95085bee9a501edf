import { makeNode } from './build.ts';
import { GraphIndex } from './graph-index.ts';
import { feedInputs, tensorTypeOf, type Model } from './model.ts';
import { DATA_TYPE, type NodeProto } from './schema.ts';
import { intAttribute } from './tensors.ts';

/**
 * Has the uint8 image of a bundle's graph go through its Cast first and its Transpose second, in place.
 * TensorRT knows uint8 at the inputs of a network only and nothing but a Cast may read it; on the CPU the
 * other order is faster, since bytes are moved instead of floats, which is why bundles have that. The values
 * are the same: a transposition does not care about types. False, and nothing is changed, where the graph
 * does not begin with a Transpose of bytes.
 */
export function castInputFirst(model: Model): boolean {
  const { graph } = model;
  const index = new GraphIndex(model);
  const [input] = feedInputs(graph);
  if (input === undefined || tensorTypeOf(input)?.elemType !== DATA_TYPE.UINT8) return false;
  const [transpose, ...others] = index.readers(input.name);
  const [cast, ...more] = index.readers(transpose?.output[0]);
  const fits = transpose?.opType === 'Transpose' && others.length === 0 && isCast(cast) && more.length === 0;
  if (!fits || cast === undefined) return false;
  const rows = 'goshawk_float_rows';
  const first = makeNode('Cast', [input.name], [rows], { to: intAttribute(cast, 'to', DATA_TYPE.FLOAT) });
  transpose.input = [rows];
  transpose.output = [...cast.output];
  graph.node = [first, ...graph.node.filter((node) => node !== cast)];
  // what was known of the tensors in between is no longer so
  graph.valueInfo = graph.valueInfo.filter(({ name }) => index.producer(name) !== transpose);
  return true;
}

function isCast(node: NodeProto | undefined): boolean {
  const to = node === undefined ? 0 : intAttribute(node, 'to', 0);
  return node?.opType === 'Cast' && (to === DATA_TYPE.FLOAT || to === DATA_TYPE.FLOAT16);
}
