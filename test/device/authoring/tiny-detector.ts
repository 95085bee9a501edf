import { create } from '@bufbuild/protobuf';
import { makeValueInfo } from '../../../src/model/onnx/build.ts';
import type { Normalization } from '../../../src/model/onnx/fold.ts';
import { writeModel, type Model } from '../../../src/model/onnx/model.ts';
import { DATA_TYPE, ModelSchema, type NodeProto, type TensorProto } from '../../../src/model/onnx/schema.ts';
import type { Head } from '../../../src/core/heads/head-table.ts';
import { createRandom } from '../../../src/core/random.ts';
import { GraphWriter } from './graph-writer.ts';

/** Side of the network input of the small detectors, pixels. */
export const TINY_SIZE = 64;

export const TINY_PICTURE = { width: TINY_SIZE, height: TINY_SIZE };

/** For a network trained on unchanged RGB pixels of 0..255. */
export const PLAIN: Normalization = { colorOrder: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };

export interface TinyOptions {
  readonly head: Head;
  readonly classes: number;
  /** a number, or a name for a variable batch */
  readonly batch?: number | string;
  readonly layout?: 'nchw' | 'nhwc';
  /** the layers before the convolutions */
  readonly stem?: 'plain' | 'focus' | 'depthwise';
  /** true makes every output NaN for an all-black image, and only for that */
  readonly nanOnBlack?: boolean;
  /** convolutions of 0.6 G multiply-adds each that delay the outputs without changing them */
  readonly burden?: number;
  readonly opset?: number;
}

/** Assembles a model; nodes in execution order. */
export function makeModel(parts: {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly input: readonly [string, readonly (number | string)[]];
  readonly output: readonly [string, readonly (number | string)[]];
  readonly opset?: number;
}): Model {
  return create(ModelSchema, {
    irVersion: 8n,
    producerName: 'goshawk-test',
    opsetImport: [{ domain: '', version: BigInt(parts.opset ?? 13) }],
    graph: {
      name: 'tiny',
      node: parts.nodes,
      initializer: parts.initializers,
      input: [makeValueInfo(parts.input[0], DATA_TYPE.FLOAT, parts.input[1])],
      output: [makeValueInfo(parts.output[0], DATA_TYPE.FLOAT, parts.output[1])],
    },
  }) as Model;
}

/**
 * A small real detector with seeded weights: one convolution for each stride (8, 16, 32), sigmoid, and the layout of
 * the head. It is untrained, but its shapes, its cost of an error and its dependence on every pixel and channel are
 * real.
 */
export function tinyDetector(options: TinyOptions): Uint8Array {
  const { head, classes, batch = 1, layout = 'nchw', stem = 'plain', opset = 13 } = options;
  const random = createRandom(7);
  const { nodes, initializers, constant, integers, add } = new GraphWriter();
  const weights = (name: string, dims: readonly number[]): string => {
    const count = dims.reduce((total, size) => total * size, 1);
    // small enough that sigmoids of 0..255 pixels do not saturate
    const values = Float32Array.from({ length: count }, () => random.range(-1, 1) / (40 * Math.sqrt(count)));
    return constant(name, dims, values);
  };

  let source = 'picture';
  let channels = 3;
  let shrink = 1;
  if (layout === 'nhwc') source = add('Transpose', [source], 'planes', { perm: [0, 3, 1, 2] });
  if (stem === 'depthwise') {
    source = add('Conv', [source, weights('depthwise', [3, 1, 3, 3])], 'deep', {
      group: 3,
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
    });
  }
  if (stem === 'focus') {
    source = addFocus(source, add, integers);
    channels = 12;
    shrink = 2;
  }
  const values = head === 'yolov8' ? 4 + classes : head === 'end2end' ? 6 : 5 + classes;
  const maps = [8, 16, 32].map((stride) => {
    const size = stride / shrink;
    const bias = weights(`bias${stride}`, [values]);
    const name = add(
      'Conv',
      [source, weights(`conv${stride}`, [values, channels, size, size]), bias],
      `map${stride}`,
      {
        kernel_shape: [size, size],
        strides: [size, size],
      },
    );
    return add('Reshape', [name, integers(`shape${stride}`, [0, values, -1])], `flat${stride}`);
  });
  const anchors = head === 'yolov5' ? [...maps, ...maps, ...maps] : maps;
  let last = add('Concat', anchors, 'all', { axis: 2 });
  last = add('Sigmoid', [last], 'squashed');
  if (options.nanOnBlack === true) {
    const mean = add('GlobalAveragePool', [source], 'averages');
    const flat = add('ReduceMean', [mean], 'average', { axes: [1, 2, 3], keepdims: 1 });
    const one = add('Div', [flat, flat], 'one_or_nan');
    const shaped = add('Reshape', [one, integers('shape_one', [-1, 1, 1])], 'factor');
    last = add('Mul', [last, shaped], 'poisoned');
  }
  if (options.burden !== undefined) {
    let load = add('Conv', [source, weights('widen', [128, channels, 1, 1])], 'load0');
    const heavy = weights('heavy', [128, 128, 3, 3]);
    for (let i = 1; i <= options.burden; i += 1)
      load = add('Conv', [load, heavy], `load${i}`, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const mean = add('GlobalAveragePool', [load], 'load_averages');
    const flat = add('ReduceMean', [mean], 'load_average', { axes: [1, 2, 3], keepdims: 1 });
    constant('nothing', [1], [0]);
    const none = add('Mul', [flat, 'nothing'], 'load_nothing');
    const shaped = add('Reshape', [none, integers('shape_load', [-1, 1, 1])], 'load_term');
    last = add('Add', [last, shaped], 'burdened');
  }
  const cells = 84 * (head === 'yolov5' ? 3 : 1);
  if (head === 'yolov8') {
    add('Identity', [last], 'found');
    return writeModel(
      makeModel({
        nodes,
        initializers,
        input: inputOf(layout, batch),
        output: ['found', [batch, values, cells]],
        opset,
      }),
    );
  }
  if (head === 'end2end') {
    // corners in order, and a label that is a whole number
    const rows = add('Transpose', [last], 'rows', { perm: [0, 2, 1] });
    constant('factor6', [6], [1, 1, 1, 1, 1, classes]);
    constant('offset6', [6], [0, 0, 1, 1, 0, 0]);
    const moved = add('Add', [add('Mul', [rows, 'factor6'], 'scaled_rows'), 'offset6'], 'moved_rows');
    const part = (name: string, from: number, to: number): string =>
      add(
        'Slice',
        [
          moved,
          integers(`${name}_from`, [from]),
          integers(`${name}_to`, [to]),
          integers(`${name}_axis`, [2]),
        ],
        name,
      );
    add('Concat', [part('box_score', 0, 5), add('Floor', [part('part', 5, 6)], 'label')], 'found', {
      axis: 2,
    });
  } else {
    add('Transpose', [last], 'found', { perm: [0, 2, 1] });
  }
  return writeModel(
    makeModel({
      nodes,
      initializers,
      input: inputOf(layout, batch),
      output: ['found', [batch, cells, values]],
      opset,
    }),
  );
}

function inputOf(layout: 'nchw' | 'nhwc', batch: number | string): [string, (number | string)[]] {
  const sizes = layout === 'nchw' ? [3, TINY_SIZE, TINY_SIZE] : [TINY_SIZE, TINY_SIZE, 3];
  return ['picture', [batch, ...sizes]];
}

type Add = (op: string, inputs: string[], output: string, attributes?: Record<string, number>) => string;

/** The four pixel phases as channels, as in YOLOX's first layer. */
function addFocus(
  source: string,
  add: Add,
  integers: (name: string, values: readonly number[]) => string,
): string {
  const phases: string[] = [];
  const [rowAxis, columnAxis] = [integers('axis2', [2]), integers('axis3', [3])];
  const [end, step] = [integers('end', [2 ** 31]), integers('step', [2])];
  for (const [row, column] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const) {
    const name = `${row}${column}`;
    const rows = add('Slice', [source, integers(`r${name}`, [row]), end, rowAxis, step], `rows${name}`);
    phases.push(add('Slice', [rows, integers(`c${name}`, [column]), end, columnAxis, step], `phase${name}`));
  }
  return add('Concat', phases, 'focus', { axis: 1 });
}
