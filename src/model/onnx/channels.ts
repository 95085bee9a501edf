import { clone } from '@bufbuild/protobuf';
import { makeInt64Tensor, makeNode } from './build.ts';
import { feedInputs, type Model } from './model.ts';
import { readByNestedGraph, redirectReaders } from './rename.ts';
import { TensorSchema, type GraphProto, type NodeProto, type TensorProto } from './schema.ts';
import { intAttribute, intsAttribute, readFloats, readIntegers, writeFloats } from './tensors.ts';

/**
 * How to read a tensor once its channels have another order or scale: old channel j = factor[j] * new channel
 * at[j], along `axis`.
 */
export interface ChannelMap {
  readonly axis: number;
  readonly at: readonly number[];
  readonly factor: readonly number[];
}

interface WeightEdit {
  readonly node: NodeProto;
  readonly weights: TensorProto;
  readonly map: ChannelMap;
}

/**
 * Folds a change of channel order and scale into the first convolutions, so that it costs nothing at run
 * time. The change is followed from `tensor` through nodes that treat all channels alike (slices and
 * concatenations of a Focus layer, casts, transpositions) to convolutions with constant weights, whose input
 * channels are then reordered and scaled. Zero padding stays zero, so this is exact apart from rounding.
 * Returns false and changes nothing if it meets any other node.
 */
export function absorbChannels(graph: GraphProto, tensor: string, map: ChannelMap): boolean {
  const maps = new Map<string, ChannelMap>([[tensor, map]]);
  const edits: WeightEdit[] = [];
  for (const node of graph.node) {
    if (!node.input.some((name) => maps.has(name))) continue;
    const edit = convolutionEdit(graph, node, maps);
    if (edit !== null) {
      edits.push(edit);
      continue;
    }
    const through = passThrough(graph, node, maps);
    const [output] = node.output;
    if (through === null || output === undefined) return false;
    maps.set(output, through);
  }
  const names = new Set(maps.keys());
  const escapes = graph.output.some(({ name }) => names.has(name)) || readByNestedGraph(graph, names);
  if (escapes || edits.length === 0 || new Set(edits.map(({ weights }) => weights)).size < edits.length) {
    return false;
  }
  for (const edit of edits) applyEdit(graph, edit);
  return true;
}

function convolutionEdit(
  graph: GraphProto,
  node: NodeProto,
  maps: ReadonlyMap<string, ChannelMap>,
): WeightEdit | null {
  const [data, weightName, ...rest] = node.input;
  if (node.opType !== 'Conv' || node.domain !== '' || intAttribute(node, 'group', 1) !== 1) return null;
  const map = maps.get(data ?? '');
  const weights = graph.initializer.find(({ name }) => name === weightName);
  const ownInput = map?.axis === 1 && !rest.some((name) => maps.has(name));
  if (!ownInput || weights === undefined || readFloats(weights) === null) return null;
  return Number(weights.dims[1]) === map.at.length ? { node, weights, map } : null;
}

/** The map of a node's output if the node treats all channels alike; null otherwise. */
function passThrough(
  graph: GraphProto,
  node: NodeProto,
  maps: ReadonlyMap<string, ChannelMap>,
): ChannelMap | null {
  const first = maps.get(node.input[0] ?? '');
  if (first === undefined || node.domain !== '') return null;
  switch (node.opType) {
    case 'Identity':
    case 'Cast':
      return first;
    case 'Transpose': {
      const axis = intsAttribute(node, 'perm').indexOf(first.axis);
      return axis < 0 ? null : { ...first, axis };
    }
    case 'Slice': {
      const axes = sliceAxes(graph, node);
      return axes === null || axes.some((axis) => axis < 0 || axis === first.axis) ? null : first;
    }
    case 'Concat':
      return concatenated(node, maps);
    default:
      return null;
  }
}

/** Axes of a Slice; null if they are not constant. */
function sliceAxes(graph: GraphProto, node: NodeProto): number[] | null {
  const name = node.input[3];
  if (name === undefined || name === '') {
    const attribute = intsAttribute(node, 'axes');
    return attribute.length > 0 ? attribute : null;
  }
  const constant =
    graph.initializer.find((tensor) => tensor.name === name) ??
    graph.node.find(({ opType, output }) => opType === 'Constant' && output[0] === name)?.attribute[0]?.t;
  const values = constant === undefined ? null : readIntegers(constant);
  return values === null ? null : Array.from(values);
}

function concatenated(node: NodeProto, maps: ReadonlyMap<string, ChannelMap>): ChannelMap | null {
  const at: number[] = [];
  const factor: number[] = [];
  const axis = intAttribute(node, 'axis', 1);
  for (const name of node.input) {
    const map = maps.get(name);
    if (map === undefined || map.axis !== axis) return null;
    const offset = at.length;
    at.push(...map.at.map((channel) => channel + offset));
    factor.push(...map.factor);
  }
  return { axis, at, factor };
}

/** Writes weights in the new order. A tensor with other readers is copied for this node. */
function applyEdit(graph: GraphProto, { node, weights, map }: WeightEdit): void {
  const old = readFloats(weights);
  if (old === null) return;
  const channels = map.at.length;
  const outputs = Number(weights.dims[0]);
  const taps = old.length / (outputs * channels);
  const values = new Float32Array(old.length);
  for (let o = 0; o < outputs; o += 1) {
    for (let j = 0; j < channels; j += 1) {
      const from = (o * channels + j) * taps;
      const to = (o * channels + (map.at[j] ?? 0)) * taps;
      const factor = map.factor[j] ?? 1;
      for (let tap = 0; tap < taps; tap += 1) values[to + tap] = (old[from + tap] ?? 0) * factor;
    }
  }
  const readers = graph.node.filter(({ input }) => input.includes(weights.name)).length;
  let target = weights;
  if (readers > 1) {
    target = clone(TensorSchema, weights);
    target.name = `${weights.name}_goshawk`;
    graph.initializer.push(target);
    node.input[1] = target.name;
  }
  writeFloats(target, values);
}

/** Channel order that swaps RGB and BGR. */
export const SWAPPED = [2, 1, 0] as const;

/**
 * Makes a bundle's graph (uint8 `[batch, height, width, 3]`) take BGR instead of RGB, in place: in the
 * weights of its first convolution if possible, else by gathering channels.
 */
export function swapInputChannels(model: Model): void {
  const { graph } = model;
  const input = feedInputs(graph)[0]?.name ?? '';
  if (absorbChannels(graph, input, { axis: 3, at: SWAPPED, factor: [1, 1, 1] })) return;
  // planes are moved much faster than single bytes, so the swap comes after the transposition if there is one
  const transpose = graph.node.find(
    (node) => node.opType === 'Transpose' && node.input[0] === input && intsAttribute(node, 'perm')[1] === 3,
  );
  const source = transpose?.output[0] ?? input;
  const swapped = 'goshawk_swapped';
  const order = 'goshawk_swapped_order';
  redirectReaders(graph, source, swapped);
  graph.initializer.push(makeInt64Tensor(order, [...SWAPPED]));
  const gather = makeNode('Gather', [source, order], [swapped], { axis: transpose === undefined ? 3 : 1 });
  graph.node.splice(transpose === undefined ? 0 : graph.node.indexOf(transpose) + 1, 0, gather);
}
