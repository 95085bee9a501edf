import { GoshawkError } from '../../../contract/errors.ts';
import { makeFloatTensor, makeInt64Tensor, makeNode, makeUint8Scalar, makeValueInfo } from './build.ts';
import { feedInputs, opsetVersion, type Model } from './model.ts';
import { DATA_TYPE } from './schema.ts';

/** Inputs of a graph made by `addRawInput`. */
export const RAW_INPUTS = { frame: 'goshawk_frame', sizes: 'goshawk_sizes', pads: 'goshawk_pads' } as const;

/** The first operator set whose Resize takes a target size. */
const LEAST_OPSET = 11;

/**
 * Puts the letterbox in front of a bundle's graph, in place: the graph then takes the camera's picture and resizes, pads and
 * infers in one run. Sizes and borders are inputs, so that one graph serves cameras of any size:
 *
 * - `frame`: uint8 `[1, h, w, 3]`
 * - `sizes`: int64 `[1, scaledHeight, scaledWidth, 3]`
 * - `pads`: int64 `[0, top, left, 0, 0, bottom, right, 0]`
 *
 * Resize stays on uint8 and rows of pixels: ONNX Runtime has a fast path for that layout.
 * Throws GOSHAWK_MODEL_UNREADABLE where the graph's operator set is older than 11 or its input is not one picture.
 */
export function addRawInput(
  model: Model,
  options: { readonly inputWidth: number; readonly inputHeight: number; readonly padValue: number },
): void {
  const { graph } = model;
  const version = opsetVersion(model);
  const [input, ...others] = feedInputs(graph);
  if (version < LEAST_OPSET || input === undefined || others.length > 0) {
    throw new GoshawkError('GOSHAWK_MODEL_UNREADABLE', {
      file: graph.name,
      reason: `frames cannot be resized inside a graph of operator set ${version} with ${others.length + 1} inputs`,
    });
  }
  const name = (part: string): string => `goshawk_raw_${part}`;
  const nothing = name('nothing');
  graph.initializer.push(
    makeFloatTensor(nothing, [0], []),
    makeUint8Scalar(name('border'), options.padValue),
    makeInt64Tensor(name('shape'), [1, options.inputHeight, options.inputWidth, 3]),
  );
  graph.node.unshift(
    makeNode('Resize', [RAW_INPUTS.frame, nothing, nothing, RAW_INPUTS.sizes], [name('resized')], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    }),
    makeNode('Pad', [name('resized'), RAW_INPUTS.pads, name('border')], [name('padded')], {
      mode: 'constant',
    }),
    // sizes are known again from here on, which memory planning and fused kernels need
    makeNode('Reshape', [name('padded'), name('shape')], [input.name]),
  );
  graph.input = [
    ...graph.input.filter((value) => value !== input),
    makeValueInfo(RAW_INPUTS.frame, DATA_TYPE.UINT8, [1, 'frame_height', 'frame_width', 3]),
    makeValueInfo(RAW_INPUTS.sizes, DATA_TYPE.INT64, [4]),
    makeValueInfo(RAW_INPUTS.pads, DATA_TYPE.INT64, [8]),
  ];
}
