import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxAgreement } from '../../../src/core/drift/box-agreement.ts';
import { ABSENT, BLOCK, BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { FrameStatistics } from '../../../src/core/drift/frame-statistics.ts';
import { createDecoder } from '../../../src/core/heads/decoder.ts';
import type { Head } from '../../../src/core/heads/head-table.ts';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { networkValues } from '../../../src/device/authoring/equivalence.ts';
import { describeInput, foldPreprocessing } from '../../../src/model/onnx/fold.ts';
import { readModel, writeModel } from '../../../src/model/onnx/model.ts';
import { presetFor } from '../../../src/device/authoring/presets.ts';
import type { DecodeLimits, InferenceInput } from '../../../src/device/inference/engine.ts';
import { toOutputTensors } from '../../../src/device/inference/output-buffers.ts';
import { listSupportedProviders } from '../../../src/device/inference/providers.ts';
import type { ModelRequest, RunMessage } from '../../../src/device/inference/runner-messages.ts';
import { Runner } from '../../../src/device/inference/runner.ts';
import { GraphSession, makeFeed } from '../../../src/device/inference/session.ts';
import { createSlab, viewSlab, viewStatistics } from '../../../src/device/inference/slab.ts';
import { TINY_SIZE, tinyDetector, type TinyOptions } from '../authoring/tiny-detector.ts';
import { itWith, type Need } from '../../support/needs.ts';
import { modelRequest } from './model-request.ts';

const NO_TENSORRT: Need = {
  isThere: () =>
    !listSupportedProviders().some(({ provider, available }) => provider === 'tensorrt' && available),
  missing: 'TensorRT is here; on a machine without it',
  first: '',
};

const SIZE = { width: TINY_SIZE, height: TINY_SIZE };
const LIMITS: DecodeLimits = { scoreThreshold: 0.2, iouThreshold: 0.9, maxDetections: 50, classFilter: null };

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-runner-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function request(options: TinyOptions, changes: Partial<ModelRequest> = {}): Promise<ModelRequest> {
  const model = readModel(tinyDetector(options), 'tiny.onnx');
  foldPreprocessing(model, describeInput(model, 'tiny.onnx'), SIZE, presetFor(options.head).normalization);
  const bytes = writeModel(model);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = join(folder, `${sha256}.onnx`);
  await writeFile(file, bytes);
  return modelRequest({
    bundle: 'tiny@1.0.0',
    file,
    sha256,
    head: options.head,
    labels: options.classes,
    inputWidth: TINY_SIZE,
    inputHeight: TINY_SIZE,
    inputs: 'letterboxed',
    ...changes,
  });
}

function noise(seed: number): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(TINY_SIZE * TINY_SIZE * 3);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = (Math.imul(i + seed, 2654435761) >>> 16) & 255;
  return pixels;
}

const letterbox = letterboxFor(TINY_SIZE, TINY_SIZE, TINY_SIZE, TINY_SIZE, 'top-left');

function letterboxed(pixels: Uint8Array<ArrayBuffer>): InferenceInput {
  return { kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: TINY_SIZE * 3 };
}

function job(...inputs: InferenceInput[]): RunMessage {
  return { type: 'run', id: 1, inputs, limits: LIMITS, slabs: inputs.map(() => createSlab(50).buffer) };
}

async function run(runner: Runner, ...inputs: InferenceInput[]) {
  const done = await runner.run(job(...inputs));
  return done.items.map((item, i) => {
    if (!item.ok) return item.reason;
    const { boxes, scores, classes } = viewSlab(done.slabs[i] ?? new ArrayBuffer(0), item.count).detections;
    return {
      boxes: Array.from(boxes.subarray(0, item.count * 4)),
      scores: Array.from(scores.subarray(0, item.count)),
      classes: Array.from(classes.subarray(0, item.count)),
    };
  });
}

describe('a frame whose statistics are wanted', () => {
  const measured = (done: Awaited<ReturnType<Runner['run']>>): Float32Array =>
    viewStatistics(done.slabs[0] ?? expect.unreachable('a job has a slab'));

  it.each(['rgb8', 'bgr8'] as const)(
    'is measured as the graph resizes it, if it is raw %s',
    async (encoding) => {
      const [width, height] = [200, 150];
      const options = { head: 'yolox', classes: 2 } as const;
      const { runner } = await Runner.load(await request(options, { inputs: 'both', resize: 'average' }));
      const pixels = new Uint8Array(width * height * 3);
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = 128 + 100 * Math.sin(i / 40);
      const raw = letterboxFor(width, height, TINY_SIZE, TINY_SIZE, 'top-left');
      const input: InferenceInput = { kind: 'raw', pixels, letterbox: raw, encoding, step: width * 3 };
      const expected = new Float32Array(BLOCK_FLOATS);
      const frame = { layout: encoding, pixels, step: width * 3, letterbox: raw, averages: true };
      new FrameStatistics().measure(frame, new BoxAgreement(), expected);
      const done = await runner.run(job({ ...input, wantsStatistics: true }));
      expect(done.items.map((item) => item.ok && item.isMeasured)).toEqual([true]);
      expect(measured(done).subarray(BLOCK.patches)).toEqual(expected.subarray(BLOCK.patches));
      expect(measured(done).subarray(0, BLOCK.candidates)).toEqual(expected.subarray(0, BLOCK.candidates));
      const plain = await runner.run(job(input));
      expect(plain.items.map((item) => item.ok && item.isMeasured)).toEqual([false]);
      expect(measured(plain).every((value) => value === 0)).toBe(true);
      await runner.close();
    },
  );

  it('has no agreement if the head suppresses inside the graph', async () => {
    const { runner } = await Runner.load(await request({ head: 'end2end', classes: 2 }));
    const done = await runner.run(job({ ...letterboxed(noise(2)), wantsStatistics: true }));
    const agreement = [...measured(done).subarray(BLOCK.candidates, BLOCK.patches)];
    expect(agreement).toHaveLength(7);
    expect(new Set(agreement)).toEqual(new Set([ABSENT]));
    await runner.close();
  });
});

describe.each<Head>(['yolox', 'yolov5', 'yolov8', 'end2end'])('%s', (head) => {
  it('returns the same as the original graph and the decoder without it', async () => {
    const options: TinyOptions = { head, classes: head === 'end2end' ? 2 : 3 };
    const { runner, report } = await Runner.load(await request(options));
    expect(report.nodesByProvider['cpu']).toBeGreaterThan(3);
    const pixels = noise(1);
    const original = await GraphSession.load(tinyDetector(options), {
      provider: 'cpu',
      threads: 1,
    });
    const values = networkValues(pixels, SIZE, 'nchw', presetFor(head).normalization);
    const outputs = await original.run({ picture: makeFeed(values, [1, 3, TINY_SIZE, TINY_SIZE]) });
    const decoder = createDecoder({
      head,
      inputWidth: TINY_SIZE,
      inputHeight: TINY_SIZE,
      classes: options.classes,
      maxCandidates: Infinity,
    });
    const expected = createSlab(50).detections;
    expect(decoder.decode(toOutputTensors(outputs), 0, letterbox, LIMITS, expected)).toBe('ok');
    expect(expected.count).toBeGreaterThan(0);

    const [got] = await run(runner, letterboxed(pixels));
    if (got === undefined || typeof got === 'string') throw new Error(`no detections but ${got}`);
    expect(got.classes).toEqual(Array.from(expected.classes.subarray(0, expected.count)));
    got.boxes.forEach((value, i) => expect(value).toBeCloseTo(expected.boxes[i] ?? NaN, 2));
    got.scores.forEach((value, i) => expect(value).toBeCloseTo(expected.scores[i] ?? NaN, 4));
    await original.close();
    await runner.close();
  });
});

describe('batches', () => {
  it.each([1, 'n', 4] as const)('of a graph with batch %s give each image its own result', async (batch) => {
    const { runner, report } = await Runner.load(await request({ head: 'yolox', classes: 2, batch }));
    expect(report.maxBatch).toBe(batch === 1 ? 1 : 4);
    const singles = [];
    for (let seed = 0; seed < 6; seed += 1) singles.push(...(await run(runner, letterboxed(noise(seed)))));
    const together = await run(runner, ...[0, 1, 2, 3, 4, 5].map((seed) => letterboxed(noise(seed))));
    expect(together).toEqual(singles);
    expect(new Set(singles.map((single) => JSON.stringify(single))).size).toBe(6);
    await runner.close();
  });

  it('with bad images among good ones lose only the bad ones', async () => {
    const { runner } = await Runner.load(
      await request({ head: 'yolox', classes: 2, batch: 'n', nanOnBlack: true }),
    );
    const short = letterboxed(new Uint8Array(10));
    const black = letterboxed(new Uint8Array(TINY_SIZE * TINY_SIZE * 3));
    const [a, b, c, d] = await run(runner, letterboxed(noise(1)), short, black, letterboxed(noise(2)));
    expect([b, c]).toEqual(['malformed', 'invalid_output']);
    expect([a, d].map((item) => typeof item)).toEqual(['object', 'object']);
    await runner.close();
  });
});

describe('raw frames', () => {
  it('without scaling equal letterboxed ones exactly, in either channel order and with any step', async () => {
    const { runner, report } = await Runner.load(
      await request({ head: 'yolox', classes: 2, stem: 'focus' }, { inputs: 'both' }),
    );
    expect(report.acceptsRaw).toBe(true);
    const pixels = noise(3);
    const row = TINY_SIZE * 3;
    const padded = new Uint8Array((row + 5) * TINY_SIZE).fill(99);
    for (let y = 0; y < TINY_SIZE; y += 1) padded.set(pixels.subarray(y * row, (y + 1) * row), y * (row + 5));
    const swapped = pixels.map((_, i) => pixels[i + 2 - 2 * (i % 3)] ?? 0);
    const plain: InferenceInput = { kind: 'raw', pixels, letterbox, encoding: 'rgb8', step: row };
    const [expected] = await run(runner, letterboxed(pixels));
    expect(await run(runner, plain, { ...plain, pixels: padded, step: row + 5 })).toEqual([
      expected,
      expected,
    ]);
    const [bgr] = await run(runner, { ...plain, pixels: swapped, encoding: 'bgr8' });
    if (
      bgr === undefined ||
      expected === undefined ||
      typeof bgr === 'string' ||
      typeof expected === 'string'
    ) {
      throw new Error('no detections');
    }
    bgr.scores.forEach((score, i) => expect(score).toBeCloseTo(expected.scores[i] ?? NaN, 5));
    await runner.close();
  });

  it.each([
    [128, 72, 'center'],
    [50, 200, 'center'],
    [33, 21, 'top-left'],
    [1, 1, 'center'],
  ] as const)(
    'of one color, %i x %i %s, return the same as a manually filled letterbox',
    async (width, height, anchor) => {
      const { runner } = await Runner.load(await request({ head: 'yolov8', classes: 2 }, { inputs: 'raw' }));
      const box = letterboxFor(width, height, TINY_SIZE, TINY_SIZE, anchor);
      const frame = new Uint8Array(width * height * 3).fill(200);
      const filled = new Uint8Array(TINY_SIZE * TINY_SIZE * 3).fill(114);
      for (let y = 0; y < box.scaledHeight; y += 1) {
        const start = ((box.padY + y) * TINY_SIZE + box.padX) * 3;
        filled.fill(200, start, start + box.scaledWidth * 3);
      }
      const raw: InferenceInput = {
        kind: 'raw',
        pixels: frame,
        letterbox: box,
        encoding: 'rgb8',
        step: width * 3,
      };
      const [expected, got] = await run(runner, { ...letterboxed(filled), letterbox: box }, raw);
      expect(got).toEqual(expected);
      expect(typeof got).toBe('object');
      await runner.close();
    },
  );
});

describe('a model that is not what the manifest says is refused before the first frame', () => {
  const cases: [string, Partial<ModelRequest>, string, RegExp][] = [
    ['another digest', { sha256: 'f'.repeat(64) }, 'GOSHAWK_BUNDLE_DIGEST', /f{64}/],
    ['another head', { head: 'yolov8' }, 'GOSHAWK_HEAD_MISMATCH', /yolov8.*found \[1, 84, 7\]/],
    ['another number of labels', { labels: 3 }, 'GOSHAWK_LABELS_MISMATCH', /3 labels.*2 classes/],
    [
      'another size',
      { inputWidth: 128 },
      'GOSHAWK_BUNDLE_INVALID',
      /\[1, 64, 64, 3\].*\[batch, 64, 128, 3\]/,
    ],
    ['a missing file', { file: '/nowhere/model.onnx' }, 'GOSHAWK_FILE_UNREADABLE', /nowhere/],
    [
      'a provider that cannot be loaded',
      { provider: 'tensorrt' },
      'GOSHAWK_PROVIDER_UNAVAILABLE',
      /tensorrt/,
    ],
  ];

  it.each(cases)('%s', async (_, changes, code, message) => {
    const refused = Runner.load(await request({ head: 'yolox', classes: 2 }, changes));
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  itWith(NO_TENSORRT, 'a provider that cannot be loaded', async () => {
    const refused = Runner.load(await request({ head: 'yolox', classes: 2 }, { provider: 'tensorrt' }));
    await expect(refused).rejects.toMatchObject({ code: 'GOSHAWK_PROVIDER_UNAVAILABLE' });
  });

  it('bytes that are not a model', async () => {
    const file = join(folder, 'text.onnx');
    await writeFile(file, 'no model');
    const sha256 = createHash('sha256').update('no model').digest('hex');
    const refused = Runner.load(await request({ head: 'yolox', classes: 2 }, { file, sha256 }));
    await expect(refused).rejects.toMatchObject({ code: 'GOSHAWK_MODEL_UNREADABLE' });
  });
});
