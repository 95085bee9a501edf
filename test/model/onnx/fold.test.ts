import { describe, expect, it } from 'vitest';
import { compareGraphs, networkValues, testImages } from '../../../src/device/authoring/equivalence.ts';
import { makeFloatTensor, makeNode } from '../../../src/model/onnx/build.ts';
import { swapInputChannels } from '../../../src/model/onnx/channels.ts';
import { describeInput, foldPreprocessing, type Normalization } from '../../../src/model/onnx/fold.ts';
import { feedInputs, readModel, shapeOf, writeModel } from '../../../src/model/onnx/model.ts';
import { GraphSession, makeFeed } from '../../../src/device/inference/session.ts';
import {
  makeModel,
  PLAIN,
  TINY_PICTURE,
  TINY_SIZE,
  tinyDetector,
  type TinyOptions,
} from '../../device/authoring/tiny-detector.ts';

const BGR: Normalization = { ...PLAIN, colorOrder: 'bgr' };
const IMAGENET_BGR: Normalization = {
  colorOrder: 'bgr',
  scale: 1 / 255,
  mean: [0.406, 0.456, 0.485],
  std: [0.225, 0.224, 0.229],
};

const ABSORBED = 'channel order and scale in the weights of the first convolution';

async function fold(bytes: Uint8Array, normalization: Normalization) {
  const model = readModel(bytes, 'tiny.onnx');
  const input = describeInput(model, 'tiny.onnx');
  const { steps } = foldPreprocessing(model, input, TINY_PICTURE, normalization);
  const folded = writeModel(model);
  const equivalence = await compareGraphs(bytes, folded, { input, size: TINY_PICTURE, normalization });
  return { model, folded, steps, equivalence };
}

describe('folding preprocessing into a graph', () => {
  const cases: [string, Partial<TinyOptions>, Normalization, string[]][] = [
    ['nothing to do but the layout', {}, PLAIN, []],
    ['channel order into a plain convolution', {}, BGR, [ABSORBED]],
    ['scale into a plain convolution', {}, { ...PLAIN, scale: 1 / 255 }, [ABSORBED]],
    ['order through the slices of a Focus layer', { stem: 'focus' }, BGR, [ABSORBED]],
    [
      'order, scale and mean through a Focus layer',
      { stem: 'focus' },
      IMAGENET_BGR,
      ['mean as a subtraction', ABSORBED],
    ],
    ['a mean before zero padding', {}, IMAGENET_BGR, ['mean as a subtraction', ABSORBED]],
    [
      'a depthwise convolution, which cannot absorb the order',
      { stem: 'depthwise' },
      { ...BGR, scale: 1 / 255 },
      ['channel order as a gather', 'scale as a multiplication'],
    ],
    [
      'a network that takes rows of pixels',
      { layout: 'nhwc' },
      IMAGENET_BGR,
      ['mean as a subtraction', ABSORBED],
    ],
  ];

  it.each(cases)('keeps the outputs for %s', async (_, options, normalization, steps) => {
    const bytes = tinyDetector({ head: 'yolov8', classes: 3, ...options });
    const folded = await fold(bytes, normalization);
    expect(folded.steps).toEqual(steps);
    expect(folded.equivalence.maxRelative).toBeLessThan(1e-4);
    expect(folded.equivalence.pictures).toBe(5);
    const [input, ...others] = feedInputs(folded.model.graph);
    expect(others).toEqual([]);
    expect(input === undefined ? null : shapeOf(input)).toEqual([1, TINY_SIZE, TINY_SIZE, 3]);
  });

  it('detects a wrong channel order in the comparison', async () => {
    const bytes = tinyDetector({ head: 'yolov8', classes: 3 });
    const model = readModel(bytes, 'tiny.onnx');
    const input = describeInput(model, 'tiny.onnx');
    foldPreprocessing(model, input, TINY_PICTURE, PLAIN);
    const asked = { input, size: TINY_PICTURE, normalization: BGR };
    const { maxRelative } = await compareGraphs(bytes, writeModel(model), asked);
    expect(maxRelative).toBeGreaterThan(0.01);
  });

  it('changes weights with two readers only for the first convolution', async () => {
    const weights = makeFloatTensor('w', [3, 3, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const bytes = writeModel(
      makeModel({
        nodes: [
          makeNode('Conv', ['picture', 'w'], ['first'], { kernel_shape: [1, 1] }),
          makeNode('Conv', ['first', 'w'], ['second'], { kernel_shape: [1, 1] }),
        ],
        initializers: [weights],
        input: ['picture', [1, 3, TINY_SIZE, TINY_SIZE]],
        output: ['second', [1, 3, TINY_SIZE, TINY_SIZE]],
      }),
    );
    const { equivalence, steps } = await fold(bytes, BGR);
    expect(steps).toEqual([ABSORBED]);
    expect(equivalence.maxRelative).toBeLessThan(1e-5);
  });

  it('keeps the original input for a network that also outputs it', async () => {
    const bytes = writeModel(
      makeModel({
        nodes: [
          makeNode('Conv', ['picture', 'w'], ['first'], { kernel_shape: [1, 1] }),
          makeNode('Add', ['first', 'picture'], ['sum']),
        ],
        initializers: [makeFloatTensor('w', [3, 3, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9])],
        input: ['picture', [1, 3, TINY_SIZE, TINY_SIZE]],
        output: ['sum', [1, 3, TINY_SIZE, TINY_SIZE]],
      }),
    );
    const { equivalence, steps } = await fold(bytes, BGR);
    expect(steps).toEqual(['channel order as a gather']);
    expect(equivalence.maxRelative).toBeLessThan(1e-6);
  });

  it('refuses an input that is not an image', () => {
    const model = makeModel({
      nodes: [makeNode('Identity', ['rows'], ['same'])],
      initializers: [],
      input: ['rows', [1, 128]],
      output: ['same', [1, 128]],
    });
    expect(() => describeInput(model, 'text.onnx')).toThrow(
      expect.objectContaining({
        code: 'GOSHAWK_NOT_A_DETECTOR',
        message: expect.stringContaining('rows [1, 128]') as string,
      }),
    );
  });
});

describe('taking BGR instead of RGB', () => {
  it.each(['plain', 'focus', 'depthwise'] as const)(
    'returns the same for a swapped image with a %s stem',
    async (stem) => {
      const { folded } = await fold(tinyDetector({ head: 'yolox', classes: 2, stem }), IMAGENET_BGR);
      const model = readModel(folded, 'folded.onnx');
      swapInputChannels(model);
      const options = { provider: 'cpu', threads: 1 } as const;
      const before = await GraphSession.load(folded, options);
      const after = await GraphSession.load(writeModel(model), options);
      for (const image of testImages(TINY_PICTURE)) {
        const swapped = image.map((_, i) => image[i + 2 - 2 * (i % 3)] ?? 0);
        const dims = [1, TINY_SIZE, TINY_SIZE, 3];
        const [expected] = await before.run({ images: makeFeed(image, dims) });
        const [got] = await after.run({ images: makeFeed(swapped, dims) });
        const values = Array.from(got?.data as Float32Array);
        Array.from(expected?.data as Float32Array).forEach((value, i) =>
          expect(values[i]).toBeCloseTo(value, 4),
        );
      }
      await before.close();
      await after.close();
    },
  );
});

it('computes network values by the definition', () => {
  const values = networkValues(Uint8Array.of(10, 20, 30, 40, 50, 60), { width: 2, height: 1 }, 'nchw', {
    colorOrder: 'bgr',
    scale: 0.5,
    mean: [1, 2, 3],
    std: [2, 4, 8],
  });
  // blue, green, red planes: (30 * 0.5 - 1) / 2, (60 * 0.5 - 1) / 2, (20 * 0.5 - 2) / 4, ...
  expect(Array.from(values)).toEqual([7, 14.5, 2, 5.75, 0.25, 2.125]);
});
