import { GoshawkError } from '../../contract/errors.ts';
import { makeFloatTensor, makeInt64Tensor, makeNode, makeValueInfo } from './build.ts';
import { absorbChannels, SWAPPED } from './channels.ts';
import { feedInputs, shapeOf, tensorTypeOf, type Model } from './model.ts';
import { redirectReaders } from './rename.ts';
import { DATA_TYPE, type NodeProto } from './schema.ts';

/**
 * The input values that a network was trained with: (pixel * scale - mean) / std per channel, pixels 0..255.
 */
export interface Normalization {
  readonly colorOrder: 'rgb' | 'bgr';
  readonly scale: number;
  /** in the network's channel order, after scaling */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** The input that a network was exported with. */
export interface NetworkInput {
  readonly name: string;
  readonly layout: 'nchw' | 'nhwc';
  /** null if it varies from run to run */
  readonly batch: number | null;
  /** null if the file leaves it open */
  readonly width: number | null;
  readonly height: number | null;
}

/** The dimensions of such an input for images of a given size. */
export function inputDims(
  { layout }: NetworkInput,
  { width, height }: { readonly width: number; readonly height: number },
  batch: number,
): number[] {
  return layout === 'nchw' ? [batch, 3, height, width] : [batch, height, width, 3];
}

export interface FoldReport {
  /** the steps in words, for the lineage */
  readonly steps: readonly string[];
}

const READABLE = new Set<number>([DATA_TYPE.FLOAT, DATA_TYPE.FLOAT16]);

const fixed = (size: number | string | undefined): number | null =>
  typeof size === 'number' && size > 0 ? size : null;

/** Reads a graph's one image input. Throws GOSHAWK_NOT_A_DETECTOR if there is none. */
export function describeInput(model: Model, file: string): NetworkInput {
  const inputs = feedInputs(model.graph);
  const [input] = inputs;
  const dims = input === undefined ? null : shapeOf(input);
  const elemType = input === undefined ? 0 : (tensorTypeOf(input)?.elemType ?? 0);
  const layout = dims?.[1] === 3 ? 'nchw' : dims?.[3] === 3 ? 'nhwc' : null;
  const single = inputs.length === 1 && dims?.length === 4 && READABLE.has(elemType);
  if (!single || input === undefined || layout === null) {
    const found = inputs.map((value) => `${value.name} [${shapeOf(value)?.join(', ') ?? '?'}]`).join(', ');
    throw new GoshawkError('GOSHAWK_NOT_A_DETECTOR', {
      file,
      reason: `its input is ${found === '' ? 'missing' : found}, not one image [batch, 3, height, width]`,
    });
  }
  const [height, width] = layout === 'nchw' ? [dims[2], dims[3]] : [dims[1], dims[2]];
  return {
    name: input.name,
    layout,
    batch: fixed(dims[0]),
    width: fixed(width),
    height: fixed(height),
  };
}

/** Name of the input of a folded graph. */
const FOLDED_INPUT = 'images';

/**
 * Makes a network take uint8 RGB `[batch, height, width, 3]`, in place: transposition, cast, normalization
 * and channel order become part of the graph. Order and scale go into the weights of the first convolution if
 * that is exact. A mean stays a subtraction, because it would change the meaning of zero padding at the
 * borders.
 */
export function foldPreprocessing(
  model: Model,
  input: NetworkInput,
  size: { readonly width: number; readonly height: number },
  normalization: Normalization,
): FoldReport {
  const { graph } = model;
  const steps: string[] = [];
  const nodes: NodeProto[] = [];
  const network = 'goshawk_network_input';
  redirectReaders(graph, input.name, network);

  let current = FOLDED_INPUT;
  const then = (node: NodeProto): void => {
    nodes.push(node);
    current = node.output[0] ?? '';
  };
  const axis = input.layout === 'nchw' ? 1 : 3;
  const constantDims = axis === 1 ? [1, 3, 1, 1] : [1, 1, 1, 3];

  // bytes are transposed before the cast, which moves a quarter of the memory
  if (input.layout === 'nchw')
    then(makeNode('Transpose', [current], ['goshawk_planes'], { perm: [0, 3, 1, 2] }));
  then(makeNode('Cast', [current], ['goshawk_float'], { to: DATA_TYPE.FLOAT }));
  const order = normalization.colorOrder === 'bgr' ? SWAPPED : ([0, 1, 2] as const);
  const factor = normalization.std.map((std) => normalization.scale / std);
  if (normalization.mean.some((mean) => mean !== 0)) {
    // (x * scale - mean) / std = (x - mean / scale) * scale / std; channel `order[j]` of the image is channel
    // j of the network
    const offsets = [0, 0, 0];
    order.forEach((channel, j) => (offsets[channel] = (normalization.mean[j] ?? 0) / normalization.scale));
    graph.initializer.push(makeFloatTensor('goshawk_mean', constantDims, offsets));
    then(makeNode('Sub', [current, 'goshawk_mean'], ['goshawk_centered']));
    steps.push('mean as a subtraction');
  }

  const reorder = normalization.colorOrder === 'bgr';
  const rescale = factor.some((value) => value !== 1);
  const absorbed = (reorder || rescale) && absorbChannels(graph, network, { axis, at: order, factor });
  if (absorbed) steps.push('channel order and scale in the weights of the first convolution');
  if (reorder && !absorbed) {
    graph.initializer.push(makeInt64Tensor('goshawk_order', order));
    then(makeNode('Gather', [current, 'goshawk_order'], ['goshawk_ordered'], { axis }));
    steps.push('channel order as a gather');
  }
  if (rescale && !absorbed) {
    graph.initializer.push(makeFloatTensor('goshawk_scale', constantDims, factor));
    then(makeNode('Mul', [current, 'goshawk_scale'], ['goshawk_scaled']));
    steps.push('scale as a multiplication');
  }
  const last = nodes.at(-1);
  if (last !== undefined) last.output[0] = network;

  graph.node.unshift(...nodes);
  const folded = makeValueInfo(FOLDED_INPUT, DATA_TYPE.UINT8, [
    input.batch ?? 'batch',
    size.height,
    size.width,
    3,
  ]);
  graph.input = [folded, ...graph.input.filter(({ name }) => name !== input.name)];
  return { steps };
}
