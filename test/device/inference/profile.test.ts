import { describe, expect, it } from 'vitest';
import { countByProvider, countMacs, parseProfile } from '../../../src/device/inference/profile.ts';
import { GraphSession, makeFeed } from '../../../src/device/inference/session.ts';
import { TINY_SIZE, tinyDetector } from '../authoring/tiny-detector.ts';

const event = (name: string, op: string, provider: string, inputs: number[][], outputs: number[][]) => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  args: {
    provider,
    op_name: op,
    input_type_shape: inputs.map((shape) => ({ float: shape })),
    output_type_shape: outputs.map((shape) => ({ float: shape })),
  },
});

const IMAGE = [1, 3, 8, 8];
const FEATURES = [1, 4, 8, 8];
const KERNELS = [4, 1, 3, 3];
const MATRICES = [
  [5, 7],
  [7, 2],
];

describe('a profile', () => {
  const depthwise = event('b', 'Conv', 'CPUExecutionProvider', [FEATURES, KERNELS], [FEATURES]);
  const profile = JSON.stringify([
    { cat: 'Session', name: 'session_initialization', args: {} },
    event('a', 'Conv', 'TensorrtExecutionProvider', [IMAGE, [4, 3, 3, 3]], [FEATURES]),
    depthwise,
    depthwise,
    event('c', 'MatMul', 'CPUExecutionProvider', MATRICES, [[5, 2]]),
    event('d', 'Sigmoid', 'CPUExecutionProvider', [[5, 2]], [[5, 2]]),
  ]);

  it('counts each node once by provider', () => {
    expect(countByProvider(parseProfile(profile))).toEqual({
      tensorrt: 1,
      cpu: 3,
    });
  });

  it('counts multiply-accumulates: dense and depthwise convolution, matrix product', () => {
    const dense = 4 * 8 * 8 * 3 * 3 * 3;
    const depthwise = 4 * 8 * 8 * 3 * 3;
    expect(countMacs(parseProfile(profile))).toBe(dense + depthwise + 5 * 2 * 7);
  });

  it('refuses what is not a profile', () => {
    expect(() => parseProfile('{"a": 1}')).toThrow();
    expect(() => parseProfile('[{"cat": "Node"')).toThrow();
  });
});

it('a session returns the profile of ONNX Runtime once', async () => {
  const session = await GraphSession.load(tinyDetector({ head: 'yolox', classes: 2 }), {
    provider: 'cpu',
    threads: 1,
    profile: true,
    optimize: false,
  });
  const image = new Float32Array(3 * TINY_SIZE * TINY_SIZE);
  await session.run({ picture: makeFeed(image, [1, 3, TINY_SIZE, TINY_SIZE]) });
  const nodes = await session.takeProfile();
  // three convolutions, each with its reshape, then concatenation, sigmoid, transposition
  expect(countByProvider(nodes)).toEqual({ cpu: 9 });
  expect(await session.takeProfile()).toEqual([]);
  await session.close();
});
