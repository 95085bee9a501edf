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

describe('a profile', () => {
  const profile = JSON.stringify([
    { cat: 'Session', name: 'session_initialization', args: {} },
    event(
      'a',
      'Conv',
      'TensorrtExecutionProvider',
      [
        [1, 3, 8, 8],
        [4, 3, 3, 3],
      ],
      [[1, 4, 8, 8]],
    ),
    event(
      'b',
      'Conv',
      'CPUExecutionProvider',
      [
        [1, 4, 8, 8],
        [4, 1, 3, 3],
      ],
      [[1, 4, 8, 8]],
    ),
    event(
      'b',
      'Conv',
      'CPUExecutionProvider',
      [
        [1, 4, 8, 8],
        [4, 1, 3, 3],
      ],
      [[1, 4, 8, 8]],
    ),
    event(
      'c',
      'MatMul',
      'CPUExecutionProvider',
      [
        [5, 7],
        [7, 2],
      ],
      [[5, 2]],
    ),
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
