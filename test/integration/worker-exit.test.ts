import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeInput, foldPreprocessing } from '../../src/model/onnx/fold.ts';
import { readModel, writeModel } from '../../src/model/onnx/model.ts';
import { presetFor } from '../../src/device/authoring/presets.ts';
import { sha256Of } from '../../src/platform/digest.ts';
import type { ModelRequest } from '../../src/device/inference/runner-messages.ts';
import { TINY_PICTURE, TINY_SIZE, tinyDetector } from '../device/authoring/tiny-detector.ts';

/** Convolutions: some 0.3 s on one thread, far less than the 2 s that an ending process waits for them. */
const BURDEN = 25;

let folder = '';
let model: ModelRequest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-exit-'));
  const graph = readModel(tinyDetector({ head: 'yolox', classes: 2, burden: BURDEN }), 'slow.onnx');
  foldPreprocessing(graph, describeInput(graph, 'slow.onnx'), TINY_PICTURE, presetFor('yolox').normalization);
  const bytes = writeModel(graph);
  const file = join(folder, 'slow.onnx');
  await writeFile(file, bytes);
  model = {
    bundle: 'slow@1.0.0',
    variant: 'fp32',
    file,
    sha256: sha256Of(bytes),
    head: 'yolox',
    labels: 2,
    inputWidth: TINY_SIZE,
    inputHeight: TINY_SIZE,
    padValue: 114,
    resize: 'average',
    maxBatch: 1,
    provider: 'cpu',
    fallbacks: [],
    threads: 1,
    exactInt8: false,
    reference: { kind: 'unchecked', why: 'it has none' },
    inputs: 'letterboxed',
  };
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A process that loads the model in a thread, submits an image, and runs this code while the thread computes. */
async function processThat(does: string) {
  const entry = new URL('../../src/device/inference/worker-handle.ts', import.meta.url).href;
  const script = join(folder, 'process.mjs');
  await writeFile(
    script,
    `import { createWorkerHandle } from ${JSON.stringify(entry)};
const side = ${TINY_SIZE};
const handle = createWorkerHandle();
handle.onExit((reason) => console.log(reason));
handle.onMessage((message) => {
  console.log(message.type);
  if (message.type !== 'loaded') return;
  const sizes = { sourceWidth: side, sourceHeight: side, inputWidth: side, inputHeight: side };
  const letterbox = { ...sizes, scaledWidth: side, scaledHeight: side, padX: 0, padY: 0, scale: 1 };
  const pixels = new Uint8Array(side * side * 3);
  const inputs = [{ kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: side * 3 }];
  const limits = { scoreThreshold: 0.2, iouThreshold: 0.9, maxDetections: 50, classFilter: null };
  handle.post({ type: 'run', id: 1, inputs, limits, slabs: [new ArrayBuffer(4096)] });
  setTimeout(() => { ${does} }, 50);
});
handle.post({ type: 'load', model: ${JSON.stringify(model)} });
`,
  );
  return spawnSync(process.execPath, [script], { encoding: 'utf8' });
}

describe('a process that ends while a thread is inside the inference library', () => {
  it.each([
    ['gives the thread up', 'handle.abandon(); console.log("given up")'],
    ['exits', 'console.log("given up"); process.exit(0)'],
  ])('%s, and exits as requested', async (_, does) => {
    const { stdout, stderr, status, signal } = await processThat(does);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['loaded', 'given up']);
    expect(stderr).toBe('');
    expect([status, signal]).toEqual([0, null]);
  });
});
