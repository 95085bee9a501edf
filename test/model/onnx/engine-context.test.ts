import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import { makeNode } from '../../../src/model/onnx/build.ts';
import { writeModel } from '../../../src/model/onnx/model.ts';
import { verifyBundle } from '../../../src/device/authoring/verify.ts';
import { writeBundle } from '../../../src/model/write-bundle.ts';
import { createEngine } from '../../../src/device/inference/create-engine.ts';
import { makeModel, tinyDetector } from '../../device/authoring/tiny-detector.ts';

/**
 * A file as ONNX Runtime writes it around a TensorRT engine; the content is not an engine, and nothing here could run
 * one.
 */
function engineFile(embedMode: number): Uint8Array {
  const node = makeNode('EPContext', ['images'], ['found'], {
    embed_mode: embedMode,
    main_context: 1,
    ep_cache_context: 'stands for an engine',
  });
  node.domain = 'com.microsoft';
  return writeModel(
    makeModel({
      nodes: [node],
      initializers: [],
      input: ['images', [1, 64, 64, 3]],
      output: ['found', [1, 84, 7]],
    }),
  );
}

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-engine-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function bundleWith(embedMode: number, version: string) {
  const source = join(folder, 'tiny.onnx');
  await writeFile(source, tinyDetector({ head: 'yolox', classes: 2 }));
  const { bundle } = await importModel({
    file: source,
    out: folder,
    name: `plain-${embedMode}`,
    version,
    labels: ['person', 'car'],
    tool: 'test',
    createdAt: '2026-01-02T03:04:05.000Z',
    referenceImages: null,
  });
  const bytes = engineFile(embedMode);
  const variant = {
    id: 'orin',
    file: 'orin.onnx',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.byteLength,
    precision: 'int8',
    providers: ['tensorrt'],
    batch: { min: 1, max: 1 },
    // a GPU that never existed, so that this fits no machine
    engine: { tensorrt: '10.3.0', computeCapability: '1.9' },
  } as const;
  const manifest = {
    ...bundle.manifest,
    name: `engine-${embedMode}`,
    variants: [{ ...variant, providers: [...variant.providers] }],
  };
  return writeBundle(folder, manifest, new Map([['orin.onnx', bytes]]));
}

it('stores a bundle with a built engine, checks its digest, and refuses to run it elsewhere', async () => {
  const bundle = await bundleWith(1, '1.0.0');
  expect(await verifyBundle(bundle)).toEqual([{ id: 'orin', ran: false }]);
  await expect(createEngine({ bundle }).start()).rejects.toMatchObject({
    code: 'GOSHAWK_ENGINE_INCOMPATIBLE',
    message: expect.stringMatching(
      /orin.*TensorRT 10\.3\.0 and compute capability 1\.9, but this machine has /,
    ) as string,
  });
});

it('refuses an engine in a second file, which no digest covers', async () => {
  await expect(verifyBundle(await bundleWith(0, '1.0.0'))).rejects.toMatchObject({
    code: 'GOSHAWK_BUNDLE_INVALID',
  });
});

it('refuses to import an engine', async () => {
  const file = join(folder, 'engine.onnx');
  await writeFile(file, engineFile(1));
  const labels = ['person', 'car'];
  const options = {
    file,
    out: folder,
    name: 'e',
    version: '1.0.0',
    labels,
    tool: 'test',
    createdAt: '2026-01-02T03:04:05.000Z',
  };
  await expect(importModel(options)).rejects.toMatchObject({
    code: 'GOSHAWK_NOT_A_DETECTOR',
    message: expect.stringContaining('built for one device') as string,
  });
});
