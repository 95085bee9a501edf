import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatchSampler } from '../../../src/core/drift/patch-sampler.ts';
import { letterboxFor, type Letterbox } from '../../../src/core/image/letterbox.ts';
import { createRandom } from '../../../src/core/random.ts';
import { makeNode } from '../../../src/model/onnx/build.ts';
import { describeInput, foldPreprocessing } from '../../../src/model/onnx/fold.ts';
import { writeModel } from '../../../src/model/onnx/model.ts';
import { addRawInput, gridFor } from '../../../src/model/onnx/raw-input.ts';
import type { InferenceInput } from '../../../src/device/inference/engine.ts';
import { planFor, RawGraph } from '../../../src/device/inference/raw-graph.ts';
import { makeModel, TINY_SIZE } from '../../device/authoring/tiny-detector.ts';

/** A "network" that returns its input, so that a test sees the result of the resize inside the graph. */
function mirror(opset = 13): Uint8Array {
  const model = makeModel({
    nodes: [makeNode('Identity', ['picture'], ['same'])],
    initializers: [],
    input: ['picture', [1, TINY_SIZE, TINY_SIZE, 3]],
    output: ['same', [1, TINY_SIZE, TINY_SIZE, 3]],
    opset,
  });
  const size = { width: TINY_SIZE, height: TINY_SIZE };
  const nothing = { colorOrder: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
  foldPreprocessing(model, describeInput(model, 'mirror'), size, nothing);
  return writeModel(model);
}

/** The value between pixels by plain bilinear arithmetic; positions beyond the border repeat it. */
function sample(
  frame: Uint8Array,
  width: number,
  height: number,
  x: number,
  y: number,
  channel: number,
): number {
  const [cx, cy] = [Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1)];
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
  const [x1, y1] = [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1)];
  const at = (px: number, py: number): number => frame[(py * width + px) * 3 + channel] ?? NaN;
  const top = at(x0, y0) * (1 - (cx - x0)) + at(x1, y0) * (cx - x0);
  const bottom = at(x0, y1) * (1 - (cx - x0)) + at(x1, y1) * (cx - x0);
  return top * (1 - (cy - y0)) + bottom * (cy - y0);
}

/** The letterbox by its definition. */
function expectedImage(frame: Uint8Array, box: Letterbox, resize: 'interpolate' | 'average'): Float64Array {
  const { sourceWidth: w, sourceHeight: h, scaledWidth, scaledHeight, padX, padY } = box;
  const image = new Float64Array(TINY_SIZE * TINY_SIZE * 3).fill(114);
  const [stepX, stepY] = [w / scaledWidth, h / scaledHeight];
  const shiftX = Math.min(stepX / 4, (stepX - 1) / 2 - 0.001);
  const shiftY = Math.min(stepY / 4, (stepY - 1) / 2 - 0.001);
  for (let y = 0; y < scaledHeight; y += 1) {
    for (let x = 0; x < scaledWidth; x += 1) {
      const [cx, cy] = [(x + 0.5) * stepX - 0.5, (y + 0.5) * stepY - 0.5];
      for (let c = 0; c < 3; c += 1) {
        const value =
          resize === 'interpolate'
            ? sample(frame, w, h, cx, cy, c)
            : (sample(frame, w, h, cx - shiftX, cy - shiftY, c) +
                sample(frame, w, h, cx + shiftX, cy + shiftY, c)) /
              2;
        image[((padY + y) * TINY_SIZE + padX + x) * 3 + c] = value;
      }
    }
  }
  return image;
}

/** The largest difference between what drift statistics sample from a raw frame and from what the graph made of it. */
function sampledApart(
  { pixels, letterbox, step }: InferenceInput,
  made: Uint8Array,
  averages: boolean,
): number {
  const [raw, resized] = [new PatchSampler(), new PatchSampler()];
  raw.sample({ layout: 'rgb8', pixels, letterbox, step, averages });
  const inGraph = { layout: 'letterboxed', pixels: made, letterbox, step: TINY_SIZE * 3, averages } as const;
  resized.sample(inGraph);
  return raw.rgb.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (resized.rgb[i] ?? NaN))), 0);
}

describe('the resize inside the graph', () => {
  it.each([
    [40, 30, 'interpolate'],
    [64, 64, 'interpolate'],
    [70, 50, 'interpolate'],
    [100, 80, 'average'],
    [197, 120, 'average'],
    [61, 300, 'average'],
  ] as const)('of a %i x %i frame: %s, as the definition says', async (width, height, resize) => {
    for (const anchor of ['top-left', 'center'] as const) {
      const letterbox = letterboxFor(width, height, TINY_SIZE, TINY_SIZE, anchor);
      const random = createRandom(width * height);
      const pixels = Uint8Array.from({ length: width * height * 3 }, () => random.int(0, 255));
      const input: InferenceInput = { kind: 'raw', pixels, letterbox, encoding: 'rgb8', step: width * 3 };
      const plan = planFor(input, 'average');
      expect(plan).toEqual({ encoding: 'rgb8', resize });
      expect(planFor(input, 'bilinear').resize).toBe('interpolate');
      const request = { bundle: 'mirror', inputWidth: TINY_SIZE, inputHeight: TINY_SIZE, padValue: 114 };
      const options = { provider: 'cpu', threads: 1 } as const;
      const graph = await RawGraph.load(mirror(), request, plan, options);
      const [output] = await graph.run(input);
      const expected = expectedImage(pixels, letterbox, resize);
      let worst = 0;
      expected.forEach((value, i) => (worst = Math.max(worst, Math.abs((output?.data[i] ?? NaN) - value))));
      // ONNX Runtime truncates bytes instead of rounding, and uses ten-bit weights
      expect(worst).toBeLessThan(1.6);
      expect(sampledApart(input, Uint8Array.from(output?.data ?? []), resize === 'average')).toBeLessThan(
        2.1,
      );
      await graph.close();
    }
  });

  it('adds no border to the frame, whatever its size', async () => {
    const request = { bundle: 'mirror', inputWidth: TINY_SIZE, inputHeight: TINY_SIZE, padValue: 0 };
    const options = { provider: 'cpu', threads: 1 } as const;
    const graph = await RawGraph.load(mirror(), request, { encoding: 'rgb8', resize: 'average' }, options);
    const random = createRandom(5);
    for (let i = 0; i < 150; i += 1) {
      const [width, height] = [random.int(77, 700), random.int(77, 700)];
      const letterbox = letterboxFor(width, height, TINY_SIZE, TINY_SIZE, 'center');
      const pixels = new Uint8Array(width * height * 3).fill(255);
      const [output] = await graph.run({ kind: 'raw', pixels, letterbox, encoding: 'rgb8', step: width * 3 });
      const white = output?.data.filter((value) => value >= 254).length;
      expect(white, `${width}x${height}`).toBe(letterbox.scaledWidth * letterbox.scaledHeight * 3);
    }
    await graph.close();
  });

  it('is refused for an operator set without such a Resize', async () => {
    const old = makeModel({
      nodes: [makeNode('Identity', ['images'], ['same'])],
      initializers: [],
      input: ['images', [1, 64, 64, 3]],
      output: ['same', [1, 64, 64, 3]],
      opset: 10,
    });
    const options = { inputWidth: 64, inputHeight: 64, padValue: 114, resize: 'average' } as const;
    expect(() => addRawInput(old, options)).toThrow(
      expect.objectContaining({ code: 'GOSHAWK_MODEL_UNREADABLE' }),
    );
    // the next one has it
    const request = { bundle: 'mirror', ...options };
    const plan = { encoding: 'rgb8', resize: 'average' } as const;
    const graph = await RawGraph.load(mirror(11), request, plan, {
      provider: 'cpu',
      threads: 1,
    });
    await graph.close();
  });
});

it('keeps sampling grids inside the frame, one the mirror image of the other', () => {
  const side = fc.integer({ min: 1, max: 8192 });
  fc.assert(
    fc.property(side, side, side, side, (a, b, c, d) => {
      const source = { width: Math.max(a, b), height: Math.max(c, d) };
      const scaled = { width: Math.min(a, b), height: Math.min(c, d) };
      const [first, second] = [new Float32Array(8), new Float32Array(8)];
      gridFor(source, scaled, -1, first);
      gridFor(source, scaled, 1, second);
      for (const axis of [1, 2]) {
        const [start = NaN, end = NaN] = [first[axis], first[axis + 4]];
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(1);
        expect(start).toBeLessThanOrEqual(end);
        const size = axis === 1 ? source.height : source.width;
        if (size > 1) {
          expect(second[axis + 4]).toBeCloseTo(1 - start, 5);
          expect(second[axis]).toBeCloseTo(1 - end, 5);
        }
      }
    }),
  );
});
