import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { swapRedAndBlue } from '../../../src/core/references/synthetic.ts';
import { addReferences } from '../../../src/device/authoring/add-references.ts';
import { claimsOf, loadBundle, type Bundle } from '../../../src/model/bundle.ts';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import { readModel, writeModel } from '../../../src/model/onnx/model.ts';
import type { ModelRequest, ReferenceTask } from '../../../src/device/inference/runner-messages.ts';
import { createSlab } from '../../../src/device/inference/slab.ts';
import { Runner } from '../../../src/device/inference/runner.ts';
import { readReferences } from '../../../src/device/references/read-references.ts';
import { tinyDetector } from '../authoring/tiny-detector.ts';
import { modelRequest } from './model-request.ts';

type Check = Extract<ReferenceTask, { kind: 'check' }>;

const STREET = join(import.meta.dirname, '../../../models/goshawk-street-pruned/2.0.0');

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-check-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function tiny(head: ModelRequest['head']): Promise<Bundle> {
  const file = join(folder, `${head}.onnx`);
  await writeFile(file, tinyDetector({ head, classes: 2, batch: 'n' }));
  const out = await mkdtemp(join(folder, 'models-'));
  const options = {
    file,
    out,
    name: 'tiny',
    version: '1.0.0',
    labels: ['person', 'car'],
    head,
    tool: 'test',
  };
  return (await importModel(options)).bundle;
}

/** The request for the first variant of a bundle. */
async function requestOf(bundle: Bundle, changes: Partial<Check> = {}): Promise<ModelRequest> {
  const { manifest } = bundle;
  const [variant] = manifest.variants;
  const references = await readReferences(bundle);
  const own = references?.variants.get(variant!.id);
  return modelRequest({
    ...claimsOf(manifest),
    file: join(bundle.folder, variant!.file),
    sha256: variant!.sha256,
    variant: variant!.id,
    reference: {
      kind: 'check',
      inputs: references!.inputs,
      outputs: own!.outputs,
      tolerance: own!.tolerance,
      budgetMs: 60_000,
      ...changes,
    },
  });
}

/** The same request for other bytes. */
async function withModel(request: ModelRequest, bytes: Uint8Array): Promise<ModelRequest> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = join(folder, `${sha256}.onnx`);
  await writeFile(file, bytes);
  return { ...request, file, sha256 };
}

/** Multiplies every float weight of a graph. */
async function scaled(request: ModelRequest, factor: number): Promise<ModelRequest> {
  const model = readModel(await readFile(request.file), request.file);
  for (const tensor of model.graph.initializer) {
    if (tensor.dataType !== 1 || tensor.dims.length < 2) continue;
    const bytes = new Uint8Array(tensor.rawData);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += 4)
      view.setFloat32(at, view.getFloat32(at, true) * factor, true);
    tensor.rawData = bytes;
  }
  return withModel(request, writeModel(model));
}

async function refusal(request: ModelRequest): Promise<string> {
  const error: unknown = await Runner.load(request).then(
    async ({ runner }) => {
      await runner.close();
      return null;
    },
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'GOSHAWK_REFERENCE_MISMATCH' });
  return (error as Error).message;
}

describe('a variant that reproduces its reference outputs', () => {
  it.each(['yolox', 'yolov5', 'yolov8', 'end2end'] as const)('passes with head %s', async (head) => {
    const { runner, report } = await Runner.load(await requestOf(await tiny(head)));
    await runner.close();
    expect(report.referenceCheck).toMatchObject({ verdict: 'passed' });
    expect(report.referenceCheck.scores).toBeLessThan(5e-3);
    expect(report.referenceCheck.boxes).toBeLessThan(5e-3);
  });

  it('passes with several threads, and reports on how many inputs', async () => {
    const request = await requestOf(await tiny('yolox'));
    const { runner, report } = await Runner.load({ ...request, threads: 2 });
    await runner.close();
    expect(report.referenceCheck).toMatchObject({ verdict: 'passed', inputs: 6 });
  });

  it('is checked on two inputs, however little time there is', async () => {
    const request = await requestOf(await tiny('yolox'), { budgetMs: 0 });
    const { runner, report } = await Runner.load(request);
    await runner.close();
    expect(report.referenceCheck).toMatchObject({ verdict: 'passed', inputs: 2 });
  });

  it('runs unchecked if it has no references', async () => {
    const request = await requestOf(await tiny('yolox'));
    const { runner, report } = await Runner.load({
      ...request,
      reference: { kind: 'unchecked', why: 'no references' },
    });
    await runner.close();
    expect(report.referenceCheck).toMatchObject({
      verdict: 'unchecked',
      reason: 'no references',
      scores: null,
    });
  });
});

describe('a variant that returns something else is refused with its deviation', () => {
  let request: ModelRequest;

  beforeAll(async () => {
    const bundle = await loadBundle(STREET);
    const own = await addReferences(bundle, { out: folder });
    request = await requestOf(own.bundle);
  });

  it('red and blue exchanged', async () => {
    const task = request.reference as Check;
    const swapped = { ...task, inputs: task.inputs.map((input) => swapRedAndBlue(input)) };
    expect(await refusal({ ...request, reference: swapped })).toMatch(/deviation 0\.[3-9].* of scores/);
  });

  it('the weights of another model', async () => {
    expect(await refusal(await scaled(request, 0.9))).toMatch(/deviation .* of scores, .* 0\.03 is allowed/);
  });

  it('an engine that detects nothing', async () => {
    expect(await refusal(await scaled(request, 0))).toMatch(/deviation/);
  });

  it('outputs that are not numbers', async () => {
    expect(await refusal(await scaled(request, NaN))).toMatch(/not a number/);
  });

  it('a graph for raw frames that passes is used for both channel orders', async () => {
    const { runner } = await Runner.load(request);
    const { inputWidth: width, inputHeight: height } = request;
    const message = await runner.run({
      type: 'run',
      id: 1,
      inputs: (['rgb8', 'bgr8'] as const).map((encoding) => ({
        kind: 'raw',
        pixels: new Uint8Array(width * height * 3).fill(90),
        letterbox: letterboxFor(width, height, width, height, 'top-left'),
        encoding,
        step: width * 3,
      })),
      limits: { scoreThreshold: 0.3, iouThreshold: 0.5, maxDetections: 10, classFilter: null },
      slabs: [createSlab(10).buffer, createSlab(10).buffer],
    });
    await runner.close();
    expect(message.items.map(({ ok }) => ok)).toEqual([true, true]);
  });
});
