import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import type { MachineFingerprint } from '../../contract/machine.ts';
import { claimsOf } from '../../model/bundle.ts';
import type { Equivalence } from '../../device/authoring/output-comparison.ts';
import { nextMinor } from '../../model/versions.ts';
import { checkNewBundle } from '../../model/write-bundle.ts';
import { machineFingerprint } from '../../device/inference/machine-fingerprint.ts';
import { readDataset, type Dataset } from '../evaluate/dataset.ts';
import { compareFolded } from './compare-folded.ts';
import { EVALUATION_LIMITS } from './detect-stored.ts';
import { ensureQuantizer, type QuantizerCommand } from './environment.ts';
import { AGREEMENT_SCORE, Judge } from './judge.ts';
import type { OptimizeOptions } from './options.ts';
import { refuseOverlap } from './overlap.ts';
import { listCalibration, storeCalibration, storeLabeled, type ImageStore } from './image-store.ts';
import type { Schedule } from './progress.ts';
import { cleanSchema, type AnswerOf } from './quantizer-messages.ts';
import { Quantizer, QuantizerError } from './quantizer.ts';
import { openSource, readGraph, type SourceModel } from './source-model.ts';
import { FEWEST_PICTURES, splitDataset, type Split } from './split.ts';
import { digestOf, type WorkFolder } from './work-folder.ts';
import { few, FEW, type Graph } from './candidate-builder.ts';

/** Maximum number of calibration images; more do not change ranges and agreement. */
const MAX_CALIBRATION = 256;
/**
 * Maximum number of labeled images that every candidate is evaluated on; the rest is for the final
 * measurements.
 */
const MAX_SEARCH = 400;
const PARTS = ['search', 'choice', 'final'] as const;

/** Number of bootstrap resamples. */
export const RESAMPLES = 1000;
/** Largest difference relative to 1 + |value| that rounding explains. */
const CLEAN_TOLERANCE = 1e-3;

/** The inputs, read and checked. */
export interface Inputs {
  readonly source: SourceModel;
  readonly name: string;
  readonly version: string;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly calibration: ImageStore;
  readonly labeled: ImageStore;
}

/** Reads and checks all inputs. The search starts only when all of them are usable. */
export async function readInputs(
  options: OptimizeOptions,
  work: WorkFolder,
  schedule: Schedule,
  signal: AbortSignal,
): Promise<Inputs> {
  const source = await schedule.run('model', () => openSource(options.model, options.foreign, work));
  const { manifest } = source.bundle;
  const name = options.name ?? manifest.name;
  const version = options.version ?? (source.isBundle ? nextMinor(manifest.version) : manifest.version);
  await checkNewBundle(options.out, name, version);
  const { annotations: file, ignoreUnknown, seed } = options;
  const bundle = `${manifest.name}@${manifest.version}`;
  const dataset = await readDataset(file, { labels: manifest.labels, bundle, ignoreUnknown, limit: null });
  const unjudged = (reason: string): GoshawkError =>
    new GoshawkError('GOSHAWK_OPTIMIZE_UNJUDGED', { file, reason });
  if (dataset.images.length < FEWEST_PICTURES) {
    const reason =
      `it has ${dataset.images.length} images, but search, choice and final measurements each ` +
      'need their own';
    throw unjudged(reason);
  }
  if (dataset.truths.every(({ crowd }) => crowd)) throw unjudged('it has no object');
  await options.checkModel(manifest);
  const names = await listCalibration(options.calibration, MAX_CALIBRATION, seed);
  await checkSpace(work, source, names.length + dataset.images.length);
  return schedule.run('pictures', async () => {
    const onProgress = (done: number, total: number): void => {
      schedule.say(`${done}/${total} letterboxed`);
    };
    const store = { work, style: manifest.input, signal, onProgress };
    const calibration = await storeCalibration(options.calibration, names, store);
    const labeled = await storeLabeled(options.images, dataset, store);
    refuseOverlap(options.calibration, calibration, labeled);
    const split = splitDataset(dataset, labeled.pixelDigests, options.searchShare, MAX_SEARCH, seed);
    const empty = PARTS.find((part) => split[part].objects === 0);
    if (empty !== undefined) throw unjudged(`the images of its ${empty} part have no object`);
    return { source, name, version, dataset, split, calibration, labeled };
  });
}

/** Number of candidates that the folder must have room for. */
const CANDIDATE_FILES = 70;

async function checkSpace(
  work: WorkFolder,
  { variant, bundle }: SourceModel,
  pictures: number,
): Promise<void> {
  const { width, height } = bundle.manifest.input;
  const needed = pictures * width * height * 3 + CANDIDATE_FILES * variant.bytes + 64e6;
  const free = await work.freeBytes();
  if (free + (await work.usedBytes()) >= needed) return;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  const reason = `${megabytes(needed)} are needed for images and candidates, but ${megabytes(free)} are free`;
  throw new GoshawkError('GOSHAWK_NO_SPACE', { path: work.folder, reason });
}

/** The result of cleaning. */
export interface Cleaned {
  readonly graph: Graph;
  readonly answer: AnswerOf<'clean'>;
  readonly equivalence: Equivalence;
  /** why the source graph is used instead; null if it is not */
  readonly refused: string | null;
}

/** Everything that the search works with. */
export interface Tools {
  readonly command: QuantizerCommand;
  readonly quantizer: Quantizer;
  readonly versions: Readonly<Record<string, string>>;
  readonly judge: Judge;
  /** everything apart from the graph that accuracy depends on */
  readonly judgeDigest: string;
  /** everything apart from the graphs that latency and 8-bit arithmetic depend on */
  readonly machine: MachineFingerprint;
}

export async function openTools(
  options: OptimizeOptions,
  inputs: Inputs,
  work: WorkFolder,
  schedule: Schedule,
  signal: AbortSignal,
): Promise<Tools> {
  const { source, dataset, split, labeled, calibration } = inputs;
  const command = await schedule.runUncounted('environment', () =>
    ensureQuantizer((activity) => {
      schedule.say(activity);
    }, signal),
  );
  const quantizer = new Quantizer(command, join(work.folder, 'quantizer.log'), signal);
  const { versions } = await quantizer.request('hello', {});
  const claims = claimsOf(source.bundle.manifest);
  const threads = Math.min(4, availableParallelism());
  const { seed, annotations: file } = options;
  const judge = await schedule.run('original', async () =>
    Judge.open(await readGraph(source.file), {
      dataset,
      split,
      labeled,
      calibration,
      resamples: RESAMPLES,
      seed,
      claims,
      threads,
      signal,
    }),
  );
  if (judge.originalSearchAp <= 0) {
    const reason = `the model finds nothing in the ${split.search.images.length} images of the search`;
    throw new GoshawkError('GOSHAWK_OPTIMIZE_UNJUDGED', { file, reason });
  }
  const judgeDigest = digestOf({
    original: source.sha256,
    head: claims.head,
    search: split.search.digest,
    labels: dataset.labels,
    style: source.bundle.manifest.input,
    calibration: calibration.digest,
    limits: EVALUATION_LIMITS,
    agreement: AGREEMENT_SCORE,
    resamples: RESAMPLES,
    seed,
  });
  const machine = await machineFingerprint();
  return { command, quantizer, versions, judge, judgeDigest, machine };
}

/**
 * Cleans the graph and checks that it computes the same in the runtime's own engine. If it does not, the
 * source graph is kept.
 */
export async function cleanGraph(
  inputs: Inputs,
  { quantizer, command }: Tools,
  work: WorkFolder,
): Promise<Cleaned> {
  const { source, calibration } = inputs;
  const file = 'clean.onnx';
  const original: Graph = { file: source.file, sha256: source.sha256 };
  const key = { codeDigest: command.codeDigest, source: source.sha256, pictures: calibration.digest };
  let step;
  try {
    step = await work.step('clean', key, cleanSchema, [file], (place) => {
      return quantizer.request('clean', { model: source.file, out: place(file), ...few(calibration) });
    });
  } catch (error) {
    if (!(error instanceof QuantizerError)) throw error;
    return {
      graph: original,
      answer: NOTHING_CLEANED,
      equivalence: NOTHING_COMPARED,
      refused: error.message,
    };
  }
  const graph: Graph = { file: work.place(step.key, file), sha256: step.files[file]! };
  const models = await Promise.all([readGraph(original.file), readGraph(graph.file)]);
  const claims = claimsOf(source.bundle.manifest);
  const equivalence = await compareFolded(...models, claims, calibration, FEW);
  const { maxRelative } = equivalence;
  const refused =
    maxRelative <= CLEAN_TOLERANCE
      ? null
      : `its outputs differ by ${maxRelative.toExponential(1)} of their size`;
  return { graph: refused === null ? graph : original, answer: step.value, equivalence, refused };
}

const NOTHING_CLEANED: AnswerOf<'clean'> = {
  steps: [],
  nodesBefore: 0,
  nodesAfter: 0,
  dynamicBatch: false,
  maxAbsDifference: 0,
  maxRelativeDifference: 0,
  bytes: 0,
};

const NOTHING_COMPARED: Equivalence = {
  maxAbsolute: 0,
  maxRelative: 0,
  maxRelativeOfValues: 0,
  meanRelative: 0,
  missing: 0,
  pictures: 0,
  detections: null,
};
