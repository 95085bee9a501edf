import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { feedInputs, readModel, writeModel } from '../../../src/model/onnx/model.ts';
import { foldPreprocessing } from '../../../src/model/onnx/fold.ts';
import { castInputFirst } from '../../../src/model/onnx/tensorrt-input.ts';
import { checkTensorrtRules } from '../../../src/model/onnx/tensorrt-rules.ts';
import { TENSORRT_RULES } from '../../../src/model/onnx/tensorrt-rule.ts';
import { INSPECTION } from '../../../src/device/authoring/equivalence.ts';
import { GraphSession, makeFeed } from '../../../src/device/inference/session.ts';
import { createRandom } from '../../../src/core/random.ts';
import { tinyDetector } from '../../device/authoring/tiny-detector.ts';
import { QuantizedGraph } from './quantized-graph.ts';

type Build = (g: QuantizedGraph) => string;

/** Rules that a graph breaks, with the node at fault. */
function broken(build: Build): [string, string][] {
  const graph = new QuantizedGraph();
  const model = graph.model(build(graph));
  return checkTensorrtRules(model).map(({ rule, node }) => [rule, node.replace(/\d+$/, '')]);
}

describe('graphs that follow the rules', () => {
  it.each<[string, Build]>([
    ['no quantization at all', (g) => g.add('Conv', ['picture', g.floats([4, 4, 1, 1])])],
    [
      'a convolution with int8 weights, then SiLU, then the next',
      (g) => {
        const first = g.silu(g.conv(g.pair('picture')));
        return g.conv(g.pair(first));
      },
    ],
    [
      'batch normalization and ReLU before the pair',
      (g) => {
        const norm = g.add('BatchNormalization', [
          g.conv(g.pair('picture')),
          ...[0, 1, 2, 3].map(() => g.floats([4])),
        ]);
        return g.conv(g.pair(g.add('Relu', [norm])));
      },
    ],
    [
      'float weights with their own pair',
      (g) => {
        const scales = g.floats([4], 0.01);
        const zeros = g.integers([4]);
        const quantized = g.add('QuantizeLinear', [g.floats([4, 4, 1, 1]), scales, zeros], { axis: 0 });
        const weights = g.add('DequantizeLinear', [quantized, scales, zeros], { axis: 0 });
        return g.add('Conv', [g.pair('picture'), weights]);
      },
    ],
    [
      'a residual of two pairs',
      (g) => {
        const skip = g.pair('picture');
        return g.add('Add', [skip, g.pair(g.silu(g.conv(skip)))]);
      },
    ],
    [
      'a residual whose other side is the quantized convolution itself',
      (g) => {
        const skip = g.pair('picture');
        return g.add('Add', [g.conv(skip), skip]);
      },
    ],
    ['a float residual', (g) => g.add('Add', ['picture', g.silu(g.conv(g.pair('picture')))])],
    [
      'a fully connected layer with transposed weights',
      (g) => g.add('Gemm', [g.pair('picture'), g.weights([6, 4])], { transB: 1 }),
    ],
    [
      'a transposed convolution with channels along axis 1',
      (g) => g.add('ConvTranspose', [g.pair('picture'), g.weights([4, 6, 2, 2], 1)]),
    ],
    ['a product of two activations', (g) => g.add('MatMul', [g.pair('picture'), g.pair('picture')])],
  ])('%s', (_, build) => {
    expect(broken(build)).toEqual([]);
  });
});

const BROKEN: [string, Build, [string, string][]][] = [
  [
    'an activation that is not centered on 0',
    (g) => g.conv(g.dequantize(g.quantize('picture', 5), 5)),
    [
      ['zero-point', 'quantizelinear'],
      ['zero-point', 'dequantizelinear'],
    ],
  ],
  [
    'unsigned activations',
    (g) => g.conv(g.dequantize(g.quantize('picture', 0, 2), 0, 2)),
    [
      ['type', 'quantizelinear'],
      ['type', 'dequantizelinear'],
    ],
  ],
  [
    'no zero point: ONNX then means unsigned',
    (g) => {
      const quantized = g.add('QuantizeLinear', ['picture', g.floats([], 0.1)]);
      return g.conv(g.add('DequantizeLinear', [quantized, g.floats([], 0.1)]));
    },
    [['type', 'quantizelinear']],
  ],
  [
    'a scale of 0',
    (g) => g.conv(g.dequantize(g.quantize('picture', 0, 3, 0))),
    [['scale', 'quantizelinear']],
  ],
  [
    'a scale that is not a number',
    (g) => g.conv(g.dequantize(g.quantize('picture', 0, 3, NaN))),
    [['scale', 'quantizelinear']],
  ],
  [
    'a scale that the graph computes',
    (g) => {
      const scale = g.add('ReduceMax', ['picture']);
      return g.conv(g.dequantize(g.add('QuantizeLinear', ['picture', scale, g.integers([])])));
    },
    [['scale', 'quantizelinear']],
  ],
  [
    'a scale for each channel of an activation',
    (g) => {
      const parameters = [g.floats([4], 0.1), g.integers([4])];
      const quantized = g.add('QuantizeLinear', ['picture', ...parameters], { axis: 1 });
      return g.conv(g.add('DequantizeLinear', [quantized, ...parameters], { axis: 1 }));
    },
    [
      ['activation-per-tensor', 'quantizelinear'],
      ['activation-per-tensor', 'dequantizelinear'],
    ],
  ],
  [
    'more zero points than scales',
    (g) => {
      const quantized = g.add('QuantizeLinear', ['picture', g.floats([], 0.1), g.integers([4])]);
      return g.conv(g.dequantize(quantized));
    },
    [['zero-point', 'quantizelinear']],
  ],
  [
    'scales along the input channels',
    (g) => g.add('Conv', [g.pair('picture'), g.weights([4, 4, 1, 1], 1)]),
    [['weight-axis', 'dequantizelinear']],
  ],
  [
    'fewer scales than channels',
    (g) => {
      const weights = g.add('DequantizeLinear', [g.integers([4, 4, 1, 1]), g.floats([3]), g.integers([3])], {
        axis: 0,
      });
      return g.add('Conv', [g.pair('picture'), weights]);
    },
    [['weight-axis', 'dequantizelinear']],
  ],
  [
    'one scale for all weights',
    (g) => g.add('Conv', [g.pair('picture'), g.dequantize(g.integers([4, 4, 1, 1]))]),
    [['weight-per-channel', 'dequantizelinear']],
  ],
  [
    'unsigned weights',
    (g) => {
      const weights = g.add(
        'DequantizeLinear',
        [g.integers([4, 4, 1, 1], 0, 2), g.floats([4]), g.integers([4], 0, 2)],
        { axis: 0 },
      );
      return g.add('Conv', [g.pair('picture'), weights]);
    },
    [
      ['type', 'dequantizelinear'],
      ['type', 'dequantizelinear'],
    ],
  ],
  [
    'weights that are transposed after they were dequantized',
    (g) => {
      const turned = g.add('Transpose', [g.weights([4, 4, 1, 1])], { perm: [0, 1, 3, 2] });
      return g.add('Conv', [g.pair('picture'), turned]);
    },
    [['weight-placement', 'conv']],
  ],
  [
    'weights that are computed',
    (g) => g.add('Conv', [g.pair('picture'), g.pair(g.add('Relu', ['picture']))]),
    [['weight-placement', 'conv']],
  ],
  ['quantized weights on float data', (g) => g.conv('picture'), [['both-inputs', 'conv']]],
  [
    'quantized data on float weights',
    (g) => g.add('Conv', [g.pair('picture'), g.floats([4, 4, 1, 1])]),
    [['both-inputs', 'conv']],
  ],
  [
    'a bias of int32 behind a DequantizeLinear',
    (g) => {
      const bias = g.add('DequantizeLinear', [g.integers([4], 1, 6), g.floats([4], 0.001)], { axis: 0 });
      return g.add('Conv', [g.pair('picture'), g.weights([4, 4, 1, 1]), bias]);
    },
    [['bias', 'conv']],
  ],
  [
    'a pair between convolution and ReLU',
    (g) => g.add('Relu', [g.pair(g.conv(g.pair('picture')))]),
    [['fusion', 'quantizelinear']],
  ],
  [
    'a pair between convolution and batch normalization',
    (g) =>
      g.add('BatchNormalization', [
        g.pair(g.conv(g.pair('picture'))),
        ...[0, 1, 2, 3].map(() => g.floats([4])),
      ]),
    [['fusion', 'quantizelinear']],
  ],
  [
    'a pair between convolution and both branches of a SiLU',
    (g) => g.silu(g.pair(g.conv(g.pair('picture')))),
    [['fusion', 'mul']],
  ],
  [
    'a pair within a SiLU',
    (g) => {
      const x = g.conv(g.pair('picture'));
      return g.add('Mul', [g.pair(g.add('Sigmoid', [x])), x]);
    },
    [['fusion', 'mul']],
  ],
  [
    'a residual that is quantized only on the side of the image',
    (g) => {
      const skip = g.pair('picture');
      return g.add('Add', [skip, g.silu(g.conv(skip))]);
    },
    [['residual', 'add']],
  ],
  [
    'int8 values that a pooling reads',
    (g) => {
      const pooled = g.add('MaxPool', [g.quantize('picture')], { kernel_shape: [1, 1] });
      return g.conv(g.dequantize(pooled));
    },
    [
      ['pairing', 'quantizelinear'],
      ['pairing', 'dequantizelinear'],
    ],
  ],
  ['int8 values as an output', (g) => g.quantize('picture'), [['pairing', 'quantizelinear']]],
  [
    'an operator in another quantized format',
    (g) => g.add('DynamicQuantizeLinear', ['picture']),
    [['operator', 'dynamicquantizelinear']],
  ],
  [
    'bytes inside the network',
    (g) => g.add('Relu', [g.add('Cast', ['picture'], { to: 2 })]),
    [['uint8', 'cast']],
  ],
];

describe('graphs that break a rule', () => {
  it.each(BROKEN)('%s', (_, build, expected) => {
    expect(broken(build)).toEqual(expected);
  });

  it('cover every rule', () => {
    const reported = BROKEN.flatMap(([, , expected]) => expected.map(([rule]) => rule));
    expect([...new Set(reported)].sort()).toEqual(Object.keys(TENSORRT_RULES).sort());
  });

  it('reports nodes of ONNX Runtime for other bit widths', () => {
    const graph = new QuantizedGraph();
    const model = graph.model(graph.conv(graph.pair('picture')));
    for (const node of model.graph.node.filter(({ opType }) => opType === 'QuantizeLinear'))
      node.domain = 'com.microsoft';
    expect(checkTensorrtRules(model).map(({ rule }) => rule)).toContain('operator');
  });

  it('reports what is wrong, what it costs and where that is documented', () => {
    const graph = new QuantizedGraph();
    const [violation] = checkTensorrtRules(
      graph.model(graph.conv(graph.dequantize(graph.quantize('picture', -3), -3))),
    );
    expect(violation).toEqual({
      rule: 'zero-point',
      node: expect.stringMatching(/^quantizelinear\d+$/) as string,
      effect: 'refused',
      message: 'its zero point is -3, but must be 0: quantize symmetrically',
      source: TENSORRT_RULES['zero-point'].source,
    });
  });
});

describe("graphs of another quantizer, ONNX Runtime's (golden/make_quantized.py)", () => {
  const rulesOf = async (name: string) => {
    const file = new URL(`golden/${name}`, import.meta.url);
    return checkTensorrtRules(readModel(await readFile(file), name)).map(({ rule, node }) => [rule, node]);
  };

  it('quantized with its defaults', async () => {
    const rules = await rulesOf('quantized-default.onnx');
    expect(rules.filter(([rule]) => rule === 'zero-point')).toHaveLength(20);
    expect(rules.filter(([rule]) => rule !== 'zero-point')).toEqual([
      ['bias', 'conv1'],
      ['bias', 'conv2'],
      ['bias', 'conv3'],
      ['fusion', 'silu1'],
      ['fusion', 'silu2'],
    ]);
  });

  it('quantized symmetrically, without biases and without outputs of convolutions', async () => {
    expect(await rulesOf('quantized-tensorrt.onnx')).toEqual([]);
  });
});

describe('the image input of a bundle', () => {
  function folded() {
    const model = readModel(tinyDetector({ head: 'yolov8', classes: 2, stem: 'focus' }), 'tiny');
    const size = { width: 64, height: 64 };
    foldPreprocessing(model, { name: 'picture', layout: 'nchw', batch: 1, ...size }, size, {
      colorOrder: 'bgr',
      scale: 1 / 255,
      mean: [0.4, 0.5, 0.6],
      std: [1, 1, 1],
    });
    return model;
  }

  async function outputOf(model: ReturnType<typeof folded>): Promise<number[]> {
    const session = await GraphSession.load(writeModel(model), INSPECTION);
    const random = createRandom(3);
    const image = Uint8Array.from({ length: 64 * 64 * 3 }, () => random.int(0, 255));
    const [value] = await session.run({ images: makeFeed(image, [1, 64, 64, 3]) });
    const numbers = Array.from(value?.data ?? [], Number);
    await session.close();
    return numbers;
  }

  it('breaks a rule while transposed as bytes, and none once cast first, with the same values', async () => {
    const model = folded();
    expect(checkTensorrtRules(model).map(({ rule, message }) => [rule, message])).toEqual([
      ['uint8', 'reads the uint8 input images, which only a Cast to float may'],
    ]);
    const before = await outputOf(model);
    expect(castInputFirst(model)).toBe(true);
    expect(checkTensorrtRules(model)).toEqual([]);
    expect(feedInputs(model.graph)).toHaveLength(1);
    expect(await outputOf(model)).toEqual(before);
    expect(before.length).toBeGreaterThan(0);
  });

  it('does not change a graph that begins differently', () => {
    const model = readModel(tinyDetector({ head: 'yolox', classes: 2 }), 'tiny');
    const before = writeModel(model);
    expect(castInputFirst(model)).toBe(false);
    expect(Buffer.compare(writeModel(model), before)).toBe(0);
  });
});
