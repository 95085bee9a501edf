import { GoshawkError } from '../../contract/errors.ts';
import { makeInt64Tensor, makeNode } from './build.ts';
import { feedInputs, shapeOf, tensorTypeOf, type Model } from './model.ts';
import { DATA_TYPE } from './schema.ts';

/** An additional input with the size of the image, and the order of its two values. */
export interface SizeInput {
  readonly name: string;
  readonly elemType: number;
  /** number of rows of two values; 1 if it varies from run to run */
  readonly rows: number;
  /** null if it is unknown which comes first */
  readonly order: 'width-height' | 'height-width' | 'ones' | null;
}

/**
 * Names used by exporters: RT-DETR, D-FINE and DEIM; PaddleDetection; the factor by which an image was
 * resized.
 */
const ORDERS: Readonly<Record<string, SizeInput['order']>> = {
  orig_target_sizes: 'width-height',
  orig_target_size: 'width-height',
  orig_size: 'width-height',
  orig_sizes: 'width-height',
  im_shape: 'height-width',
  scale_factor: 'ones',
};

const NUMBERS = new Set<number>([DATA_TYPE.INT64, DATA_TYPE.INT32, DATA_TYPE.FLOAT, DATA_TYPE.FLOAT16]);

const fixed = (size: number | string | undefined): number =>
  typeof size === 'number' && size > 0 ? size : 1;

/**
 * Removes inputs with two values per image from a graph that also has an image input, in place.
 * `fillSizeInputs` must then set their values. Other inputs stay, for `describeInput` to judge.
 */
export function takeSizeInputs({ graph }: Model): SizeInput[] {
  const inputs = feedInputs(graph);
  if (inputs.every((input) => shapeOf(input)?.length !== 4)) return [];
  const taken = inputs.flatMap((input): SizeInput[] => {
    const dims = shapeOf(input);
    const elemType = tensorTypeOf(input)?.elemType ?? 0;
    if (dims?.length !== 2 || dims[1] !== 2 || !NUMBERS.has(elemType)) return [];
    const order = ORDERS[input.name.toLowerCase()] ?? null;
    return [{ name: input.name, elemType, rows: fixed(dims[0]), order }];
  });
  const names = new Set(taken.map(({ name }) => name));
  graph.input = graph.input.filter(({ name }) => !names.has(name));
  return taken;
}

/**
 * Sets the image size of the graph to the size of its own input, in place: boxes are then in pixels of the
 * input, and the runtime maps them to the source image. Returns the steps in words. Throws
 * GOSHAWK_NOT_A_DETECTOR if the meaning of an input is unknown.
 */
export function fillSizeInputs(
  { graph }: Model,
  inputs: readonly SizeInput[],
  { width, height }: { readonly width: number; readonly height: number },
  file: string,
): string[] {
  return inputs.map(({ name, elemType, rows, order }) => {
    if (order === null && width !== height) {
      throw new GoshawkError('GOSHAWK_NOT_A_DETECTOR', {
        file,
        reason:
          `in addition to the image it takes "${name}" [${rows}, 2], and it is unknown whether ` +
          'width or height comes first: export it without that input, or with a square image',
      });
    }
    const pair = order === 'ones' ? [1, 1] : order === 'height-width' ? [height, width] : [width, height];
    const values = makeInt64Tensor(
      elemType === DATA_TYPE.INT64 ? name : `goshawk_size/${name}`,
      Array.from({ length: rows }, () => pair).flat(),
    );
    values.dims = [BigInt(rows), 2n];
    graph.initializer.push(values);
    if (values.name !== name) graph.node.unshift(makeNode('Cast', [values.name], [name], { to: elemType }));
    return order === 'ones' ? `"${name}" is 1` : `"${name}" is the size of the input`;
  });
}
