import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { makeFloatTensor, makeInt64Tensor, makeNode, makeValueInfo } from '../../../src/model/onnx/build.ts';
import { writeModel, type Model } from '../../../src/model/onnx/model.ts';
import { DATA_TYPE, ModelSchema } from '../../../src/model/onnx/schema.ts';
import type { InferenceInput } from '../../../src/device/inference/engine.ts';
import { Runner } from '../../../src/device/inference/runner.ts';
import { createSlab, viewSlab } from '../../../src/device/inference/slab.ts';
import { modelRequest } from './model-request.ts';

const SIZE = 32;
const ROWS = 3;
const LETTERBOX = letterboxFor(SIZE, SIZE, SIZE, SIZE, 'top-left');

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-integers-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/**
 * A graph with the four outputs of EfficientNMS: two finished boxes of classes 7 and 2 and a third row that does not
 * count. Scores are 0.9, 0.8 and 0.7 times the image's brightness; counts and classes have the type `integer`.
 */
function finishedDetector(integer: number, batch: number | string): Uint8Array<ArrayBuffer> {
  const ints = (name: string, values: readonly number[]) => makeInt64Tensor(name, values);
  const floats = (name: string, dims: readonly number[], values: readonly number[]) =>
    makeFloatTensor(name, dims, values);
  return writeModel(
    create(ModelSchema, {
      irVersion: 8n,
      producerName: 'goshawk-test',
      opsetImport: [{ domain: '', version: 13n }],
      graph: {
        name: 'finished',
        initializer: [
          floats('white', [1], [255]),
          floats('two', [1, 1], [2]),
          floats('corners', [1, ROWS, 4], [1, 2, 11, 12, 5, 6, 25, 26, 0, 0, 9, 9]),
          floats('strengths', [1, ROWS], [0.9, 0.8, 0.7]),
          floats('kinds', [1, ROWS], [7, 2, 1]),
          ints('column', [-1, 1]),
          ints('cube', [-1, 1, 1]),
        ],
        node: [
          makeNode('Cast', ['picture'], ['values'], { to: DATA_TYPE.FLOAT }),
          makeNode('ReduceMean', ['values'], ['mean'], { axes: [1, 2, 3], keepdims: 0 }),
          makeNode('Div', ['mean', 'white'], ['share']),
          makeNode('Reshape', ['share', 'column'], ['bright']),
          // 1 for each image, whatever its content
          makeNode('Sub', ['bright', 'bright'], ['nothing']),
          makeNode('Exp', ['nothing'], ['one']),
          makeNode('Reshape', ['one', 'cube'], ['ones']),
          makeNode('Mul', ['one', 'two'], ['counted']),
          makeNode('Cast', ['counted'], ['num_dets'], { to: integer }),
          makeNode('Mul', ['ones', 'corners'], ['boxes']),
          makeNode('Mul', ['bright', 'strengths'], ['scores']),
          makeNode('Mul', ['one', 'kinds'], ['labels']),
          makeNode('Cast', ['labels'], ['classes'], { to: integer }),
        ],
        input: [makeValueInfo('picture', DATA_TYPE.UINT8, [batch, SIZE, SIZE, 3])],
        output: [
          makeValueInfo('num_dets', integer, [batch, 1]),
          makeValueInfo('boxes', DATA_TYPE.FLOAT, [batch, ROWS, 4]),
          makeValueInfo('scores', DATA_TYPE.FLOAT, [batch, ROWS]),
          makeValueInfo('classes', integer, [batch, ROWS]),
        ],
      },
    }) as Model,
  );
}

async function load(model: Uint8Array): Promise<Runner> {
  const sha256 = createHash('sha256').update(model).digest('hex');
  const file = join(folder, `${sha256}.onnx`);
  await writeFile(file, model);
  const request = modelRequest({
    bundle: 'finished@1.0.0',
    file,
    sha256,
    head: 'end2end',
    labels: 8,
    inputWidth: SIZE,
    inputHeight: SIZE,
  });
  return (await Runner.load(request)).runner;
}

async function detect(runner: Runner, kind: InferenceInput['kind'], grays: readonly number[]) {
  const inputs = grays.map((gray): InferenceInput => {
    const pixels = new Uint8Array(SIZE * SIZE * 3).fill(gray);
    return { kind, pixels, letterbox: LETTERBOX, encoding: 'rgb8', step: SIZE * 3 };
  });
  const limits = { scoreThreshold: 0.3, iouThreshold: 0.5, maxDetections: 10, classFilter: null };
  const slabs = inputs.map(() => createSlab(10).buffer);
  const done = await runner.run({ type: 'run', id: 1, inputs, limits, slabs });
  return done.items.map((item, i) => {
    if (!item.ok) return item.reason;
    const { boxes, scores, classes } = viewSlab(done.slabs[i]!, item.count).detections;
    return {
      classes: Array.from(classes.subarray(0, item.count)),
      scores: Array.from(scores.subarray(0, item.count), (score) => Number(score.toFixed(3))),
      boxes: Array.from(boxes.subarray(0, 4 * item.count)),
    };
  });
}

describe.each([
  ['int64', DATA_TYPE.INT64],
  ['int32', DATA_TYPE.INT32],
])('counts and classes in %s', (_, integer) => {
  it.each([1, 'n'])('are read from a graph with a batch of %s', async (batch) => {
    const runner = await load(finishedDetector(integer, batch));
    const white = { classes: [7, 2], scores: [0.9, 0.8], boxes: [1, 2, 11, 12, 5, 6, 25, 26] };
    const gray = { ...white, scores: [0.452, 0.402] };
    expect(await detect(runner, 'letterboxed', [255, 128, 0])).toEqual([
      white,
      gray,
      { classes: [], scores: [], boxes: [] },
    ]);
    expect(await detect(runner, 'raw', [128, 255])).toEqual([gray, white]);
    await runner.close();
  });
});
