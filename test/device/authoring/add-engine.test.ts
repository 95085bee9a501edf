import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addEngine, type EngineAddition } from '../../../src/device/authoring/add-engine.ts';
import { loadBundle, readManifest, type Bundle } from '../../../src/model/bundle.ts';
import { readEngineInput } from '../../../src/model/engine-source.ts';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import { LineageReader, lineageHolds } from '../../../src/model/lineage.ts';
import { LineageSources } from '../../../src/model/lineage-sources.ts';
import { feedInputs, readModel, shapeOf, tensorTypeOf } from '../../../src/model/onnx/model.ts';
import { DATA_TYPE } from '../../../src/model/onnx/schema.ts';
import { checkTensorrtRules } from '../../../src/model/onnx/tensorrt-rules.ts';
import { ModelRepository } from '../../../src/model/repository.ts';
import { verifyBundle } from '../../../src/device/authoring/verify.ts';
import { INSPECTION } from '../../../src/device/authoring/equivalence.ts';
import { createEngine } from '../../../src/device/inference/create-engine.ts';
import { takesRaw } from '../../../src/device/inference/raw-graph.ts';
import { GraphSession } from '../../../src/device/inference/session.ts';
import { tinyDetector } from './tiny-detector.ts';

/** Bytes in place of an engine; nothing here could run one. */
const ENGINE = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7) % 251);

let folder = '';
let bundle: Bundle;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-add-engine-'));
  const file = join(folder, 'tiny.onnx');
  await writeFile(file, tinyDetector({ head: 'yolox', classes: 2, batch: 'n' }));
  await writeFile(join(folder, 'tiny.engine'), ENGINE);
  const evaluation = [
    { dataset: 'val/a.json', images: 9, ap: 0.4, ap50: 0.6, apByClass: {}, evaluator: 'test' },
  ];
  ({ bundle } = await importModel({
    ...{
      file,
      out: folder,
      name: 'tiny',
      version: '1.0.0',
      labels: ['person', 'car'],
      tool: 'test',
      evaluation,
    },
    createdAt: '2026-01-02T03:04:05.000Z',
  }));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const add = (changes: Partial<EngineAddition> = {}): Promise<Bundle> =>
  addEngine(bundle, {
    file: join(folder, 'tiny.engine'),
    from: 'fp32',
    // a GPU that never existed, so that this fits no machine
    built: { tensorrt: '10.3.0', computeCapability: '1.9', cuda: '12.6' },
    precision: 'fp16',
    flags: ['--fp16'],
    host: { cpu: 'test', cores: 8, os: 'linux' },
    out: folder,
    ...changes,
  });

describe('an engine in a bundle', () => {
  it('is the first variant of the next version, with the old one as parent', async () => {
    const added = await add();
    const { version, variants, evaluation, lineage } = added.manifest;
    expect(version).toBe('1.0.1');
    expect(variants.map(({ id, providers }) => [id, providers.join()])).toEqual([
      ['trt10.3.0-sm19-fp16', 'tensorrt'],
      ['fp32', 'tensorrt,cuda,cpu'],
    ]);
    expect(variants[0]?.engine).toEqual({ tensorrt: '10.3.0', computeCapability: '1.9', cuda: '12.6' });
    expect(variants[0]?.batch).toEqual({ min: 1, max: 8 });
    // it was measured with the graph, which is no longer the first variant
    expect(evaluation).toMatchObject([{ ap: 0.4, variant: 'fp32' }]);
    expect(lineage).not.toHaveProperty('createdAt');
    expect(lineage.parents).toEqual([{ name: 'tiny', version: '1.0.0', digest: bundle.digest }]);
    expect(lineage.stages?.at(-1)).toMatchObject({
      stage: 'engine',
      inputDigest: bundle.manifest.variants[0]?.sha256,
      outputDigest: createHash('sha256').update(ENGINE).digest('hex'),
      hyperparameters: { flags: ['--fp16'] },
      toolVersions: { tensorrt: '10.3.0', cuda: '12.6' },
    });
    expect(await verifyBundle(await loadBundle(added.folder))).toEqual([
      { id: 'trt10.3.0-sm19-fp16', ran: false },
      { id: 'fp32', ran: true },
    ]);
    // the old version is unchanged
    expect((await readManifest(bundle.folder)).digest).toBe(bundle.digest);
    const sources = new LineageSources(await new ModelRepository([folder]).list());
    const tree = await new LineageReader(sources).read(added);
    expect(tree.parents).toMatchObject([{ name: 'tiny', version: '1.0.0', state: 'here' }]);
    expect(lineageHolds(tree)).toBe(true);
  });

  it('is embedded in one EPContext node with the inputs and outputs of its source graph', async () => {
    const added = await add();
    const file = join(added.folder, 'trt10.3.0-sm19-fp16.onnx');
    const { graph, opsetImport } = readModel(await readFile(file), file);
    const [node, ...others] = graph.node;
    expect(others).toEqual([]);
    expect(node).toMatchObject({
      opType: 'EPContext',
      domain: 'com.microsoft',
      input: ['images'],
      output: ['found'],
    });
    const attributes = Object.fromEntries((node?.attribute ?? []).map((entry) => [entry.name, entry]));
    expect(attributes['main_context']?.i).toBe(1n);
    expect(attributes['embed_mode']?.i).toBe(1n);
    expect(Buffer.compare(attributes['ep_cache_context']?.s ?? new Uint8Array(), ENGINE)).toBe(0);
    const text = (name: string): string => new TextDecoder().decode(attributes[name]?.s);
    expect([text('source'), text('hardware_architecture')]).toEqual(['TensorrtExecutionProvider', '19']);
    expect(opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([
      ['', 13],
      ['com.microsoft', 1],
    ]);
    // no nodes are added next to the engine, so frames arrive letterboxed
    expect(takesRaw(await readFile(file), 'tiny')).toBe(false);
    expect(takesRaw(await readFile(join(added.folder, 'model.onnx')), 'tiny')).toBe(true);
    const [input, ...more] = feedInputs(graph);
    expect(more).toEqual([]);
    expect([tensorTypeOf(input!)?.elemType, shapeOf(input!)]).toEqual([
      DATA_TYPE.UINT8,
      ['batch', 64, 64, 3],
    ]);
    expect(graph.output.map((output) => shapeOf(output))).toEqual([['n', 84, 7]]);
    expect(graph.initializer).toEqual([]);
    // ONNX Runtime reads all of it and lacks only the provider that the node is for
    await expect(GraphSession.load(await readFile(file), INSPECTION)).rejects.toThrow(
      /EPContext node generated by 'TensorrtExecutionProvider' is not compatible with any execution provider/,
    );
  });

  it('is refused on another machine if requested, and skipped if the bundle has other variants', async () => {
    const added = await add();
    const [engine] = added.manifest.variants;
    await expect(createEngine({ bundle: added, variant: engine?.id ?? '' }).start()).rejects.toMatchObject({
      code: 'GOSHAWK_ENGINE_INCOMPATIBLE',
      message: expect.stringMatching(
        /trt10\.3\.0-sm19-fp16 of tiny@1\.0\.1.* TensorRT 10\.3\.0 and compute capability 1\.9, but this machine has /,
      ) as string,
    });
    const running = createEngine({ bundle: added });
    try {
      expect(await running.start()).toMatchObject({ variant: 'fp32' });
    } finally {
      await running.close();
    }
  });

  it('is the same bundle byte for byte when repeated', async () => {
    const one = await add();
    const two = await add({ out: join(folder, 'again') });
    expect(two.digest).toBe(one.digest);
  });
});

describe('a refused engine writes nothing', () => {
  it.each<[string, Partial<EngineAddition>, string, string]>([
    ['a file that is not there', { file: '/nowhere/tiny.engine' }, 'GOSHAWK_FILE_UNREADABLE', 'tiny.engine'],
    ['a variant that is not there', { from: 'int8' }, 'GOSHAWK_ENGINE_INPUT', 'it has fp32'],
    ['an id that is taken', { id: 'fp32' }, 'GOSHAWK_USAGE', 'fp32'],
    ['an id that is none', { id: 'My Engine' }, 'GOSHAWK_BUNDLE_INVALID', 'variants'],
    ['a version that is there', { version: '1.0.0' }, 'GOSHAWK_USAGE', 'never change'],
    ['a version that is none', { version: 'next' }, 'GOSHAWK_BUNDLE_INVALID', 'semantic version'],
  ])('%s', async (_, changes, code, reported) => {
    await expect(add(changes)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(reported) as string,
    });
    expect(await readdir(join(folder, 'tiny'))).toEqual(['1.0.0']);
  });

  it.each<[string, () => Uint8Array, string]>([
    ['a file cut short', () => ENGINE.subarray(0, 100), 'only 100 bytes'],
    ['the model itself', () => tinyDetector({ head: 'yolox', classes: 2 }), 'it is an ONNX file'],
    [
      'an engine of Ultralytics with its metadata in front',
      () => Buffer.concat([Uint8Array.of(15, 0, 0, 0), Buffer.from('{"stride": 32}'), ENGINE]),
      'Ultralytics',
    ],
  ])('%s', async (_, bytes, reported) => {
    await writeFile(join(folder, 'tiny.engine'), bytes());
    await expect(add()).rejects.toMatchObject({
      code: 'GOSHAWK_ENGINE_FILE',
      message: expect.stringContaining(reported) as string,
    });
  });

  it('an engine of an engine', async () => {
    const added = await add();
    const [engine] = added.manifest.variants;
    await expect(
      addEngine(added, {
        ...{
          file: join(folder, 'tiny.engine'),
          from: engine?.id ?? '',
          precision: 'fp16',
          flags: [],
          out: folder,
        },
        ...{
          host: { cpu: 'test', cores: 8, os: 'linux' },
          built: { tensorrt: '10.3.0', computeCapability: '1.9' },
        },
      }),
    ).rejects.toMatchObject({ code: 'GOSHAWK_ENGINE_INPUT' });
    await expect(readEngineInput(added, engine?.id ?? '', false)).rejects.toMatchObject({
      code: 'GOSHAWK_ENGINE_INPUT',
    });
  });

  it('does not guess the version after a pre-release', async () => {
    const early = { ...bundle, manifest: { ...bundle.manifest, version: '1.0.0-rc.1' } };
    bundle = early;
    await expect(add()).rejects.toMatchObject({ code: 'GOSHAWK_USAGE' });
  });
});

describe('the input for an engine build', () => {
  it('casts the image first, and states the shapes of an open batch', async () => {
    const { variant, bytes, shapes, notes } = await readEngineInput(bundle, null, false);
    expect(variant.id).toBe('fp32');
    expect(shapes).toEqual({ min: 'images:1x64x64x3', opt: 'images:1x64x64x3', max: 'images:8x64x64x3' });
    expect(notes).toEqual([]);
    const model = readModel(bytes, 'input');
    expect(checkTensorrtRules(model)).toEqual([]);
    expect(model.graph.node[0]).toMatchObject({ opType: 'Cast', input: ['images'] });
  });

  it('refuses a graph that TensorRT would refuse, with the first few reasons', async () => {
    const name = 'quantized-default.onnx';
    await copyFile(new URL(`../../model/onnx/golden/${name}`, import.meta.url), join(bundle.folder, name));
    const [variant] = bundle.manifest.variants;
    if (variant === undefined) throw new Error('no variant');
    const quantized = { ...variant, id: 'int8', precision: 'int8' as const, file: name };
    const both = { ...bundle, manifest: { ...bundle.manifest, variants: [variant, quantized] } };
    await expect(readEngineInput(both, null, true)).rejects.toMatchObject({
      code: 'GOSHAWK_ENGINE_INPUT',
      details: {
        variant: 'int8',
        reason: expect.stringMatching(
          /^x_QuantizeLinear: its zero point is -86, but must be 0.*\(zero-point\); .*; and 19 more$/,
        ) as string,
      },
    });
  });

  it('refuses int8 for a graph without quantization, whose ranges would be invented', async () => {
    await expect(readEngineInput(bundle, 'fp32', true)).rejects.toMatchObject({
      code: 'GOSHAWK_ENGINE_INPUT',
      message: expect.stringContaining('invent the ranges') as string,
    });
    await expect(readEngineInput(bundle, null, true)).rejects.toMatchObject({
      code: 'GOSHAWK_ENGINE_INPUT',
      message: expect.stringContaining('it has fp32 (tensorrt, cuda, cpu)') as string,
    });
  });
});
