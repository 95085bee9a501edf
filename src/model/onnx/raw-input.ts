import { create } from '@bufbuild/protobuf';
import { averagingSpan } from '../../core/image/averaging-grid.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { makeFloatTensor, makeInt64Tensor, makeNode, makeUint8Scalar, makeValueInfo } from './build.ts';
import { feedInputs, opsetVersion, type Model } from './model.ts';
import { DATA_TYPE, OperatorSetIdSchema, type NodeProto } from './schema.ts';

/** Inputs of a graph made by `addRawInput`. */
export const RAW_INPUTS = {
  frame: 'goshawk_frame',
  sizes: 'goshawk_sizes',
  pads: 'goshawk_pads',
  firstGrid: 'goshawk_first_grid',
  secondGrid: 'goshawk_second_grid',
} as const;

export interface RawInputOptions {
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly padValue: number;
  /**
   * `interpolate`: bilinear, for frames that grow or hardly shrink. `average`: the mean of two bilinear
   * grids, offset diagonally. Resize reads two by two pixels at any factor, so a single grid would skip most
   * pixels of a frame three times as large, which costs up to two points of AP.
   */
  readonly resize: 'interpolate' | 'average';
}

/** The first operator set whose Resize accepts a target size. */
const MIN_OPSET = 11;

const part = (name: string): string => `goshawk_raw_${name}`;

/**
 * Prepends the letterbox to a bundle's graph, in place: the graph then takes the camera's image and resizes,
 * pads and infers in one run. Sizes and borders are inputs, so that one graph serves cameras of any size:
 *
 * - `frame`: uint8 `[1, h, w, 3]`
 * - `sizes`: int64 `[1, scaledHeight, scaledWidth, 3]`
 * - `pads`: int64 `[0, top, left, 0, 0, bottom, right, 0]`
 * - `firstGrid`, `secondGrid` (only for `average`): float, start and end of the sampling grid on each axis,
 *   see `gridFor`
 *
 * Resize stays on uint8 and rows of pixels: ONNX Runtime has a fast path for that layout. Throws
 * GOSHAWK_MODEL_UNREADABLE if the graph's operator set is older than 11 or its input is not one image.
 */
export function addRawInput(model: Model, options: RawInputOptions): void {
  const { graph } = model;
  const version = opsetVersion(model);
  const [input, ...others] = feedInputs(graph);
  if (version < MIN_OPSET || input === undefined || others.length > 0) {
    throw new GoshawkError('GOSHAWK_MODEL_UNREADABLE', {
      file: graph.name,
      reason: `frames cannot be resized inside a graph with operator set ${version} and ${others.length + 1} inputs`,
    });
  }
  graph.initializer.push(
    makeFloatTensor(part('nothing'), [0], []),
    makeUint8Scalar(part('border'), options.padValue),
    makeInt64Tensor(part('shape'), [1, options.inputHeight, options.inputWidth, 3]),
  );
  const average = options.resize === 'average';
  graph.node.unshift(
    ...(average ? averagingNodes(model) : interpolatingNodes()),
    makeNode('Pad', [part('resized'), RAW_INPUTS.pads, part('border')], [part('padded')], {
      mode: 'constant',
    }),
    // sizes are static again from here on, which memory planning and fused kernels need
    makeNode('Reshape', [part('padded'), part('shape')], [input.name]),
  );
  const grids = [RAW_INPUTS.firstGrid, RAW_INPUTS.secondGrid];
  graph.input = [
    ...graph.input.filter((value) => value !== input),
    makeValueInfo(RAW_INPUTS.frame, DATA_TYPE.UINT8, [1, 'frame_height', 'frame_width', 3]),
    makeValueInfo(RAW_INPUTS.sizes, DATA_TYPE.INT64, [4]),
    makeValueInfo(RAW_INPUTS.pads, DATA_TYPE.INT64, [8]),
    ...(average ? grids.map((grid) => makeValueInfo(grid, DATA_TYPE.FLOAT, [8])) : []),
  ];
}

function interpolatingNodes(): NodeProto[] {
  const inputs = [RAW_INPUTS.frame, part('nothing'), part('nothing'), RAW_INPUTS.sizes];
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
  return [makeNode('Resize', inputs, [part('resized')], attributes)];
}

/**
 * There is no standard operator for the mean of bytes, but ONNX Runtime's quantized addition with scales 1, 1
 * and 2 computes it.
 */
function averagingNodes({ graph, opsetImport }: Model): NodeProto[] {
  const domain = 'com.microsoft';
  if (!opsetImport.some((set) => set.domain === domain)) {
    opsetImport.push(create(OperatorSetIdSchema, { domain, version: 1n }));
  }
  graph.initializer.push(
    makeFloatTensor(part('one'), [], [1]),
    makeFloatTensor(part('two'), [], [2]),
    makeUint8Scalar(part('zero'), 0),
  );
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize' };
  const grid = (name: string, output: string): NodeProto =>
    makeNode('Resize', [RAW_INPUTS.frame, name, part('nothing'), RAW_INPUTS.sizes], [output], attributes);
  const [zero, one] = [part('zero'), part('one')];
  const operands = [part('first'), one, zero, part('second'), one, zero, part('two'), zero];
  const mean = makeNode('QLinearAdd', operands, [part('resized')]);
  mean.domain = domain;
  return [grid(RAW_INPUTS.firstGrid, part('first')), grid(RAW_INPUTS.secondGrid, part('second')), mean];
}

/** Frames at least this many times larger than their result are averaged. */
export const AVERAGE_FROM = 1.2;

/**
 * Position of a sampling grid, as Resize's `tf_crop_and_resize` expects it: start and end of each axis as
 * shares of the last index. The grid of pixel centers is shifted by a quarter of its spacing, to the upper
 * left for `direction` -1 and to the lower right for 1, but not beyond the outermost pixel, where that mode
 * reads black. Written into `grid` as `[0, y0, x0, 0, 1, y1, x1, 1]`.
 */
export function gridFor(
  source: { readonly width: number; readonly height: number },
  scaled: { readonly width: number; readonly height: number },
  direction: -1 | 1,
  grid: Float32Array,
): void {
  grid.set([0, 0, 0, 0, 1, 1, 1, 1]);
  gridAxis(source.height, scaled.height, direction, grid, 1);
  gridAxis(source.width, scaled.width, direction, grid, 2);
}

function gridAxis(source: number, scaled: number, direction: -1 | 1, grid: Float32Array, axis: number): void {
  const [first, last] = averagingSpan(source, scaled, direction);
  const lastIndex = Math.max(1, source - 1);
  grid[axis] = first / lastIndex;
  grid[axis + 4] = last / lastIndex;
}
