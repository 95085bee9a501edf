import { beforeAll, describe, expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claimsOf } from '../../../src/model/bundle.ts';
import { readModel, writeModel } from '../../../src/model/onnx/model.ts';
import { readDataset } from '../../../src/tools/evaluate/dataset.ts';
import { evaluateDetector } from '../../../src/tools/evaluate/evaluate.ts';
import { openBundleDetector } from '../../../src/tools/evaluate/bundle-detector.ts';
import { compareFolded } from '../../../src/tools/optimize/compare-folded.ts';
import { BrokenOutputError, EVALUATION_LIMITS } from '../../../src/tools/optimize/detect-stored.ts';
import { Judge, type JudgedModel, type JudgeOptions } from '../../../src/tools/optimize/judge.ts';
import { measureLatencies } from '../../../src/tools/optimize/latency.ts';
import { listCalibration, storeCalibration, storeLabeled } from '../../../src/tools/optimize/image-store.ts';
import { splitDataset } from '../../../src/tools/optimize/split.ts';
import { WorkFolder } from '../../../src/tools/optimize/work-folder.ts';
import { scratchFolder } from './scratch.ts';
import { makeSmallWorld, SMALL_LABELS, type SmallWorld } from './small-world.ts';

const folder = scratchFolder();
const never = new AbortController().signal;
let world: SmallWorld;
let model: Uint8Array;
let options: JudgeOptions;

/** The same graph with the weights of one layer multiplied. */
function disturbed(factor: number): Uint8Array {
  const edited = readModel(Uint8Array.from(model), 'model');
  const weights = edited.graph.initializer.find(({ name }) => name === 'score0_w')!;
  const values = new Float32Array(Uint8Array.from(weights.rawData).buffer);
  weights.rawData = new Uint8Array(values.map((value) => value * factor).buffer);
  return writeModel(edited);
}

beforeAll(async () => {
  world = await makeSmallWorld(folder, 6, 16);
  const { bundle } = world;
  model = await readFile(join(bundle.folder, bundle.manifest.variants[0]!.file));
  const dataset = await readDataset(world.annotations, {
    labels: SMALL_LABELS,
    bundle: 'small',
    ignoreUnknown: false,
    limit: null,
  });
  const work = await WorkFolder.open(join(folder, 'work'), false);
  const store = { work, style: bundle.manifest.input, signal: never, onProgress: () => undefined };
  const names = await listCalibration(world.calibration, 100, 1);
  const labeled = await storeLabeled(world.images, dataset, store);
  options = {
    dataset,
    split: splitDataset(dataset, labeled.pixelDigests, 0.5, 100, 1),
    labeled,
    calibration: await storeCalibration(world.calibration, names, store),
    resamples: 100,
    seed: 1,
    claims: claimsOf(bundle.manifest),
    threads: 1,
    signal: never,
  };
  await work.close();
});

const plain = (bytes: Uint8Array): JudgedModel => ({ bytes, exactInt8: false });

describe('Judge', () => {
  it('finds no loss between a model and itself', async () => {
    const judge = await Judge.open(model, options);
    expect(judge.originalSearchAp).toBeGreaterThan(0.5);
    expect(await judge.search(plain(model))).toEqual({
      ap: judge.originalSearchAp,
      drop: 0,
      dropInterval: { low: 0, high: 0 },
      dropDeviation: 0,
      agreement: 1,
    });
    const [original, same] = await judge.final([plain(model)]);
    expect(same).toEqual(original);
    expect(original!.interval!.low).toBeLessThanOrEqual(original!.ap);
  });

  it('finds a larger loss for a larger disturbance', async () => {
    const judge = await Judge.open(model, options);
    const little = await judge.search(plain(disturbed(0.97)));
    const much = await judge.search(plain(disturbed(0.5)));
    expect(little.agreement).toBeLessThan(1);
    expect(much.agreement).toBeLessThan(little.agreement);
    expect(much.drop).toBeGreaterThan(little.drop);
    expect(much.dropInterval!.low).toBeLessThanOrEqual(much.drop);
    expect(much.dropInterval!.high).toBeGreaterThanOrEqual(much.drop);
  });

  it('refuses a model whose outputs are not numbers', async () => {
    const judge = await Judge.open(model, options);
    await expect(judge.search(plain(disturbed(NaN)))).rejects.toBeInstanceOf(BrokenOutputError);
  });

  it('agrees with "goshawk evaluate"', async () => {
    const all = options.dataset.images.map((_, index) => index);
    const part = { images: all, objects: 0, digest: '' };
    const judge = await Judge.open(model, { ...options, split: { search: part, choice: part, final: part } });
    const { multiLabel, ...limits } = EVALUATION_LIMITS;
    const detector = await openBundleDetector({
      bundle: world.bundle,
      preprocess: 'sharp',
      limits: { ...limits, multiLabel },
      engine: { threads: 1 },
    });
    const report = await evaluateDetector({
      annotations: world.annotations,
      ignoreUnknown: false,
      limit: null,
      resamples: 0,
      seed: 1,
      detector,
      images: world.images,
      settings: null,
      detectionsFile: null,
      onProgress: () => undefined,
    });
    await detector.close();
    expect(judge.originalSearchAp).toBeCloseTo(report.ap!, 12);
    expect(report.apByClass['ghost']).toBeNull();
  });
});

describe('compareFolded', () => {
  it('distinguishes an equal graph from a different one', async () => {
    const compare = (other: Uint8Array) =>
      compareFolded(model, other, options.claims, options.calibration, 3);
    expect(await compare(model)).toMatchObject({ maxAbsolute: 0, maxRelative: 0, pictures: 8 });
    expect((await compare(disturbed(1.1))).maxRelative).toBeGreaterThan(1e-3);
  });
});

describe('measureLatencies', () => {
  it('measures graphs in turn, with a ratio of 1 for the first', async () => {
    const [first, second] = await measureLatencies([model, model], {
      claims: options.claims,
      threads: 1,
      rounds: 3,
      runs: 2,
      signal: never,
    });
    expect(first).toMatchObject({ runs: 6, ratio: 1, ratioLow: 1, ratioHigh: 1 });
    expect(second!.runs).toBe(6);
    expect(second!.p25).toBeLessThanOrEqual(second!.p50);
  });
});
