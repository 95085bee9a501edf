import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { compareGraphs } from '../../../src/device/authoring/equivalence.ts';
import { makeFloatTensor, makeInt64Tensor, makeNode } from '../../../src/model/onnx/build.ts';
import { joinFocus } from '../../../src/model/onnx/focus.ts';
import { describeInput, foldPreprocessing } from '../../../src/model/onnx/fold.ts';
import { readModel, writeModel, type Model } from '../../../src/model/onnx/model.ts';
import type { NodeProto } from '../../../src/model/onnx/schema.ts';
import { intsAttribute } from '../../../src/model/onnx/tensors.ts';
import {
  makeModel,
  PLAIN,
  TINY_PICTURE,
  TINY_SIZE,
  tinyDetector,
} from '../../device/authoring/tiny-detector.ts';

type Place = readonly [row: number, column: number];
const PLACES: readonly Place[] = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
];

interface FocusOptions {
  readonly places?: readonly Place[];
  readonly kernel?: number;
  readonly stride?: number;
  readonly pad?: number;
  readonly group?: number;
  readonly step?: number;
  readonly end?: number;
  /** more nodes that read the Focus layer */
  readonly also?: readonly NodeProto[];
}

/** One slice per phase, both axes in one, and a convolution over the four. */
function focusModel(options: FocusOptions): Model {
  const { places = PLACES, kernel = 3, stride = 1, pad = 1, group = 1, step = 2, end = 2 ** 31 } = options;
  const random = createRandom(3);
  const slices = places.map(([row, column], i) => ({
    starts: makeInt64Tensor(`starts${i}`, [row, column]),
    node: makeNode('Slice', ['picture', `starts${i}`, 'ends', 'axes', 'steps'], [`phase${i}`]),
  }));
  const values = Float32Array.from({ length: 5 * (12 / group) * kernel * kernel }, () =>
    random.range(-0.01, 0.01),
  );
  return makeModel({
    nodes: [
      ...slices.map(({ node }) => node),
      makeNode(
        'Concat',
        slices.map((_, i) => `phase${i}`),
        ['focus'],
        { axis: 1 },
      ),
      makeNode('Conv', ['focus', 'w'], ['map'], {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        group,
      }),
      ...(options.also ?? []),
    ],
    initializers: [
      ...slices.map(({ starts }) => starts),
      makeInt64Tensor('ends', [end, end]),
      makeInt64Tensor('axes', [2, 3]),
      makeInt64Tensor('steps', [step, step]),
      makeFloatTensor('w', [5, 12 / group, kernel, kernel], values),
    ],
    input: ['picture', [1, 3, TINY_SIZE, TINY_SIZE]],
    output: ['map', [1, 5, 'rows', 'columns']],
  });
}

async function difference(model: Model, normalization = PLAIN): Promise<number> {
  const original = writeModel(model);
  const changed = readModel(original, 'focus.onnx');
  const input = describeInput(changed, 'focus.onnx');
  expect(joinFocus(changed)).toBe(1);
  expect(changed.graph.node.filter(({ opType }) => opType === 'Slice')).toEqual([]);
  foldPreprocessing(changed, input, TINY_PICTURE, normalization);
  const asked = { input, size: TINY_PICTURE, normalization };
  return (await compareGraphs(original, writeModel(changed), asked)).maxRelative;
}

describe('joinFocus', () => {
  it('keeps the outputs for any order of phases, window, stride and padding', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...PLACES], { minLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 2 }),
        async (places, kernel, stride, pad) => {
          expect(await difference(focusModel({ places, kernel, stride, pad }))).toBeLessThan(1e-5);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('accepts slices of one axis at a time, several convolutions, and a BGR network', async () => {
    const bytes = tinyDetector({ head: 'yolox', classes: 3, stem: 'focus' });
    const model = readModel(bytes, 'tiny.onnx');
    const convolutions = model.graph.node
      .filter(({ opType }) => opType === 'Conv')
      .map((node) => intsAttribute(node, 'strides')[0]);
    expect(await difference(model, { ...PLAIN, colorOrder: 'bgr', scale: 1 / 255 })).toBeLessThan(1e-4);
    joinFocus(model);
    const wide = model.graph.node.filter(({ opType }) => opType === 'Conv');
    expect(wide.map((node) => intsAttribute(node, 'strides')[0])).toEqual(
      convolutions.map((stride) => 2 * (stride ?? 0)),
    );
    expect(wide.every((node) => node.input[0] === 'picture')).toBe(true);
  });

  it('removes weights that only the old convolution read, and keeps those with other readers', () => {
    const model = focusModel({});
    joinFocus(model);
    expect(model.graph.initializer.map(({ name }) => name)).toEqual(['map/focus_weights']);
  });

  it.each<[string, FocusOptions]>([
    [
      'a phase appears twice',
      {
        places: [
          [0, 0],
          [1, 0],
          [0, 1],
          [0, 1],
        ],
      },
    ],
    [
      'a phase has a larger offset',
      {
        places: [
          [0, 0],
          [1, 0],
          [0, 1],
          [1, 3],
        ],
      },
    ],
    ['the slices take each third row', { step: 3 }],
    ['the slices end before the image does', { end: 60 }],
    ['the convolution has groups', { group: 3 }],
    ['something else reads the slices too', { also: [makeNode('Relu', ['focus'], ['other'])] }],
  ])('changes nothing if %s', (_, options) => {
    const model = focusModel(options);
    const before = writeModel(model);
    expect(joinFocus(model)).toBe(0);
    expect(writeModel(model)).toEqual(before);
  });
});
