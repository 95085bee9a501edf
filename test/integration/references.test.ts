import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addReferences } from '../../src/device/authoring/add-references.ts';
import { addVariant } from '../../src/device/authoring/add-variant.ts';
import { loadBundle, type Bundle } from '../../src/model/bundle.ts';
import { readModel, writeModel } from '../../src/model/onnx/model.ts';
import { createEngine, type EngineOptions } from '../../src/device/inference/create-engine.ts';
import type { EngineInfo } from '../../src/device/inference/engine.ts';
import { checkReferences, refusedVariants } from '../../src/device/inference/plan-engine.ts';
import { MeasurementCache } from '../../src/device/machine/measurement-cache.ts';

const STREET = join(import.meta.dirname, '../../models/goshawk-street-pruned/2.0.0');

let folder = '';
/** with references, and before its float variant one that was "built" from another model */
let bundle: Bundle;
let cache: MeasurementCache;
const lines: string[] = [];

/** The float graph with all weights reduced by a tenth: the same shapes, another model. */
async function anotherModel({ folder: from, manifest }: Bundle): Promise<Uint8Array> {
  const file = join(from, manifest.variants[0]!.file);
  const model = readModel(await readFile(file), file);
  for (const tensor of model.graph.initializer) {
    if (tensor.dataType !== 1 || tensor.dims.length < 2) continue;
    const bytes = new Uint8Array(tensor.rawData);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += 4) view.setFloat32(at, view.getFloat32(at, true) * 0.9, true);
    tensor.rawData = bytes;
  }
  return writeModel(model);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-references-'));
  cache = new MeasurementCache((line) => lines.push(line), join(folder, 'cache'));
  const { bundle: good } = await addReferences(await loadBundle(STREET), { out: folder });
  const [own] = good.manifest.variants;
  bundle = await addVariant(good, {
    variant: { id: 'other', file: 'other.onnx', precision: 'fp32', providers: ['cpu'], batch: own!.batch },
    bytes: await anotherModel(good),
    stage: { stage: 'engine' },
    tool: 'test',
    out: folder,
    like: own!.id,
  });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Omit<EngineOptions, 'bundle'>): Promise<EngineInfo> {
  const engine = createEngine({ bundle, cache, inputs: 'both', preferred: ['cpu'], ...options });
  try {
    return await engine.start();
  } finally {
    await engine.close();
  }
}

describe.each(['worker', 'child'] as const)('in a %s', (kind) => {
  it('a variant made from another model is refused with its deviation, and the next one runs', async () => {
    const info = await start({ kind });
    expect(info.variant).toBe('fp32');
    expect(info.referenceCheck).toMatchObject({ verdict: 'passed', tolerance: 0.03 });
    expect(info.refusals).toEqual([
      {
        provider: 'cpu',
        reason: expect.stringMatching(/^other: refused: deviation \d+\.\d+ of scores/) as string,
      },
    ]);
    expect(info.choice.candidates.map(({ variant, check }) => [variant, check.verdict])).toEqual([
      ['fp32', 'passed'],
      ['other', 'refused'],
    ]);
  });

  it('the result is stored, and reported the next time', async () => {
    const info = await start({ kind });
    expect(info.choice.how).toBe('kept');
    expect(info.referenceCheck.verdict).toBe('passed');
    expect(lines).toEqual([]);
  });

  it('it is refused if it was requested, and if the engine is strict', async () => {
    const refused = {
      code: 'GOSHAWK_REFERENCE_MISMATCH',
      message: expect.stringMatching(/other.*deviation.*0\.03 is allowed/) as string,
      fix: expect.stringContaining('goshawk optimize') as string,
    };
    await expect(start({ kind, variant: 'other' })).rejects.toMatchObject(refused);
    await expect(start({ kind, strict: true })).rejects.toMatchObject(refused);
  });
});

it('a check of all variants reports which are refused', async () => {
  const checks = await checkReferences({ bundle, preferred: ['cpu'] });
  expect(checks.map(({ variant, check }) => [variant, check.verdict])).toEqual([
    ['other', 'refused'],
    ['fp32', 'passed'],
  ]);
  expect(refusedVariants(checks)).toEqual(['other']);
});

it('a cache that cannot be written costs a measurement at each start, and nothing else', async () => {
  const notes: string[] = [];
  const broken = new MeasurementCache((line) => notes.push(line), join(STREET, 'bundle.json', 'below'));
  for (let i = 0; i < 2; i += 1) expect(await start({ cache: broken })).toMatchObject({ variant: 'fp32' });
  expect(notes.filter((line) => line.startsWith('GOSHAWK_CACHE_UNWRITABLE'))).toHaveLength(1);
});
