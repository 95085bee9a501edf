import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Head } from '../../../src/core/heads/head-table.ts';
import type { BundleManifest } from '../../../src/contract/bundle.ts';
import { loadBundle } from '../../../src/model/bundle.ts';
import { contentDigest } from '../../../src/model/content-digest.ts';
import { importModel, type ImportOptions } from '../../../src/device/authoring/import-model.ts';
import { makeFloatTensor, makeNode } from '../../../src/model/onnx/build.ts';
import { readModel, tensorTypeOf, writeModel } from '../../../src/model/onnx/model.ts';
import { packBundle } from '../../../src/model/pack.ts';
import { redirectReaders } from '../../../src/model/onnx/rename.ts';
import { DATA_TYPE } from '../../../src/model/onnx/schema.ts';
import { verifyBundle } from '../../../src/device/authoring/verify.ts';
import { foreignBytes } from './foreign-detector.ts';
import { makeModel, tinyDetector } from './tiny-detector.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-import-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, bytes: Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

function options(file: string, changes: Partial<ImportOptions> = {}): ImportOptions {
  return {
    file,
    out: join(folder, 'models'),
    name: 'tiny',
    version: '1.0.0',
    labels: ['person', 'car'],
    tool: 'test',
    createdAt: '2026-01-02T03:04:05.000Z',
    ...changes,
  };
}

describe('importing a detector', () => {
  it.each<[Head, number]>([
    ['yolox', 7],
    ['yolov5', 7],
    ['yolov8', 6],
    ['end2end', 6],
  ])('recognizes %s by its shape and writes a bundle that verifies', async (head, values) => {
    const file = await put(`${head}.onnx`, tinyDetector({ head, classes: 2 }));
    const { bundle, guessed, equivalence } = await importModel(options(file, { name: `tiny-${head}` }));
    expect(guessed).toBe(true);
    expect(equivalence.maxRelative).toBeLessThan(1e-4);
    const { manifest } = await loadBundle(bundle.folder);
    expect(manifest).toMatchObject({
      head,
      labels: ['person', 'car'],
      input: {
        width: 64,
        height: 64,
        anchor: head === 'yolox' ? 'top-left' : 'center',
        colorOrder: head === 'yolox' ? 'bgr' : 'rgb',
        padValue: 114,
      },
      // three convolutions of 8x8, 16x16 and 32x32 pixels with three channels, with a bias each
      parameters: values * 3 * (64 + 256 + 1024) + 3 * values + (head === 'end2end' ? 12 : 0),
      // each of them covers every pixel once
      macs: 3 * values * 3 * 64 * 64,
      lineage: { createdAt: '2026-01-02T03:04:05.000Z', tool: 'test' },
    });
    expect(manifest.variants).toMatchObject([{ precision: 'fp32', batch: { min: 1, max: 1 } }]);
    expect(await verifyBundle(bundle)).toEqual([{ id: 'fp32', ran: true }]);
  });

  it('writes the same bundle byte for byte for the same file without a time, packed too', async () => {
    const file = await put('same.onnx', tinyDetector({ head: 'yolox', classes: 2 }));
    const plain = { ...options(file, { name: 'same' }), createdAt: undefined };
    const facts = {
      stages: [{ stage: 'train', seconds: 4 }],
      parents: [{ name: 'base', digest: 'b'.repeat(64) }],
    };
    const imported = async (out: string, changes: Partial<ImportOptions> = {}) => {
      const { createdAt, ...rest } = { ...plain, ...changes, out: join(folder, out) };
      const { bundle } = await importModel(createdAt === undefined ? rest : { ...rest, createdAt });
      const tar = join(folder, `${out}.tar`);
      await packBundle(bundle, tar);
      return { bundle, tar: await readFile(tar) };
    };
    const one = await imported('one', { lineage: facts });
    const two = await imported('two', { lineage: facts });
    const later = await imported('three', { createdAt: '2026-01-02T03:04:05.000Z', name: 'other' });
    expect(two.bundle.digest).toBe(one.bundle.digest);
    expect(Buffer.compare(one.tar, two.tar)).toBe(0);
    expect(later.bundle.digest).not.toBe(one.bundle.digest);
    expect(contentDigest(later.bundle.manifest)).toBe(contentDigest(one.bundle.manifest));

    const { lineage, variants } = one.bundle.manifest;
    expect(lineage).not.toHaveProperty('createdAt');
    expect(lineage.parents).toEqual(facts.parents);
    expect(lineage.stages).toMatchObject([
      { stage: 'train', seconds: 4 },
      { stage: 'import', inputDigest: lineage.sourceDigest, outputDigest: variants[0]?.sha256 },
    ]);
  });

  it.each<[string, (manifest: BundleManifest) => unknown]>([
    ['a threshold', (manifest) => (manifest.thresholds.score = 0.3)],
    ['a label', (manifest) => (manifest.labels[0] = 'dog')],
    ['a graph', (manifest) => (manifest.variants[0]!.sha256 = 'a'.repeat(64))],
    ['the border', (manifest) => (manifest.input.padValue = 0)],
  ])('changes the content digest for %s, but not for a measured latency', async (_, change) => {
    const file = await put('content.onnx', tinyDetector({ head: 'yolox', classes: 2 }));
    const out = await mkdtemp(join(folder, 'content-'));
    const { manifest } = (await importModel(options(file, { name: 'content', out }))).bundle;
    const digest = contentDigest(manifest);
    manifest.variants[0]!.latencyMs = { p50: 4.2, runs: 100, threads: 1, host: 'test' };
    expect(contentDigest(manifest)).toBe(digest);
    change(manifest);
    expect(contentDigest(manifest)).not.toBe(digest);
  });

  it('states an open batch if the graph runs with one', async () => {
    const open = await put('open.onnx', tinyDetector({ head: 'yolox', classes: 2, batch: 'n' }));
    const { bundle } = await importModel(options(open, { name: 'open' }));
    expect(bundle.manifest.variants[0]?.batch).toEqual({ min: 1, max: 8 });
  });

  it('adds casts around a half-precision graph, because JavaScript has no such arrays', async () => {
    const file = await put('half.onnx', halfPrecision(tinyDetector({ head: 'yolov8', classes: 2 })));
    const { bundle, equivalence } = await importModel(options(file, { name: 'half' }));
    expect(equivalence.maxRelative).toBeLessThan(1e-2);
    expect(await verifyBundle(bundle)).toEqual([{ id: 'fp32', ran: true }]);
  });

  it.each(['topk', 'nms'] as const)(
    'a graph that ends in %s is compared by its detections',
    async (layout) => {
      const file = await put(`${layout}.onnx`, foreignBytes({ layout }));
      const { bundle, equivalence } = await importModel(options(file, { name: layout }));
      expect(bundle.manifest.head).toBe('end2end');
      expect(equivalence.detections).toBeGreaterThan(20);
      expect(await verifyBundle(bundle)).toEqual([{ id: 'fp32', ran: true }]);
    },
  );

  it('never overwrites an existing version', async () => {
    const file = await put('again.onnx', tinyDetector({ head: 'yolox', classes: 2 }));
    const first = await importModel(options(file, { name: 'again' }));
    await expect(importModel(options(file, { name: 'again' }))).rejects.toMatchObject({
      code: 'GOSHAWK_USAGE',
    });
    expect((await loadBundle(first.bundle.folder)).digest).toBe(first.bundle.digest);
  });
});

describe('a refused import writes nothing', () => {
  const identity = writeModel(
    makeModel({
      nodes: [
        makeNode('GlobalAveragePool', ['picture'], ['pooled']),
        makeNode('Mul', ['pooled', 'two'], ['scores']),
      ],
      initializers: [makeFloatTensor('two', [1], [2])],
      input: ['picture', [1, 3, 64, 64]],
      output: ['scores', [1, 3, 1, 1]],
    }),
  );
  const tiny = tinyDetector({ head: 'yolox', classes: 2 });
  const cases: [string, Uint8Array, Partial<ImportOptions>, string, string][] = [
    ['a classifier', identity, {}, 'GOSHAWK_NOT_A_DETECTOR', 'scores [1, 3, 1, 1]'],
    ['a file cut short', tiny.subarray(0, tiny.length / 2), {}, 'GOSHAWK_MODEL_UNREADABLE', 'refused.onnx'],
    ['an unknown operator', unknownOperator(), {}, 'GOSHAWK_MODEL_UNREADABLE', 'Frobnicate'],
    ['too few labels', tiny, { labels: ['person'] }, 'GOSHAWK_LABELS_MISMATCH', '2 classes'],
    ['too many labels', tiny, { labels: ['a', 'b', 'c'] }, 'GOSHAWK_LABELS_MISMATCH', '2 classes'],
    ['equal labels', tiny, { labels: ['car', 'car'] }, 'GOSHAWK_BUNDLE_INVALID', 'label "car"'],
    ['a head that does not fit', tiny, { head: 'yolov8' }, 'GOSHAWK_NOT_A_DETECTOR', 'yolov8'],
    [
      'another size than the graph takes',
      tiny,
      { size: { width: 320, height: 320 } },
      'GOSHAWK_USAGE',
      '64x64',
    ],
  ];

  it.each(cases)('%s', async (_, bytes, changes, code, named) => {
    const file = await put('refused.onnx', bytes);
    const out = join(folder, 'refused');
    await expect(importModel(options(file, { out, ...changes }))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(named) as string,
    });
    expect(await readdir(out).catch(() => [])).toEqual([]);
  });

  it('a missing file', async () => {
    await expect(importModel(options(join(folder, 'nowhere.onnx')))).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_UNREADABLE',
    });
  });
});

function unknownOperator(): Uint8Array {
  return writeModel(
    makeModel({
      nodes: [makeNode('Frobnicate', ['picture'], ['found'])],
      initializers: [],
      input: ['picture', [1, 3, 64, 64]],
      output: ['found', [1, 84, 7]],
    }),
  );
}

/** The same graph with half-precision inputs and outputs, like exports with `half=True`; the weights are unchanged. */
function halfPrecision(bytes: Uint8Array): Uint8Array {
  const model = readModel(bytes, 'tiny.onnx');
  for (const value of [...model.graph.input, ...model.graph.output]) {
    const type = tensorTypeOf(value);
    if (type !== undefined) type.elemType = DATA_TYPE.FLOAT16;
  }
  redirectReaders(model.graph, 'picture', 'wide');
  const last = model.graph.node.at(-1);
  if (last !== undefined) last.output = ['wide_found'];
  model.graph.node.unshift(makeNode('Cast', ['picture'], ['wide'], { to: DATA_TYPE.FLOAT }));
  model.graph.node.push(makeNode('Cast', ['wide_found'], ['found'], { to: DATA_TYPE.FLOAT16 }));
  model.graph.node.forEach((node, i) => (node.name = `node_${i}`));
  return writeModel(model);
}
