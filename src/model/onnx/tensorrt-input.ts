import { makeNode } from './build.ts';
import { GraphIndex } from './graph-index.ts';
import { feedInputs, tensorTypeOf, type Model } from './model.ts';
import { DATA_TYPE, type NodeProto } from './schema.ts';
import { intAttribute } from './tensors.ts';

/**
 * Moves the Cast of a bundle's uint8 image in front of the Transpose, in place. TensorRT supports uint8 only
 * at the inputs of a network, where only a Cast may read it. Bundles use the other order because it is faster
 * on the CPU: bytes are moved instead of floats. The values are the same, because a transposition does not
 * depend on types. Returns false and changes nothing if the graph does not begin with a Transpose of bytes.
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
  // the recorded types of the tensors in between are no longer valid
  graph.valueInfo = graph.valueInfo.filter(({ name }) => index.producer(name) !== transpose);
  return true;
}

function isCast(node: NodeProto | undefined): boolean {
  const to = node === undefined ? 0 : intAttribute(node, 'to', 0);
  return node?.opType === 'Cast' && (to === DATA_TYPE.FLOAT || to === DATA_TYPE.FLOAT16);
}
