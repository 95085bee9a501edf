import type { BundleManifest } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { LineageFacts, LineageStage } from '../../contract/lineage.ts';
import { PROVIDERS } from '../../contract/providers.ts';
import type { Head } from '../../core/heads/head-table.ts';
import {
  headOfLayout,
  describeLayout,
  type LayoutHints,
  type OutputLayout,
} from '../../core/heads/output-layout.ts';
import type { SeenOutput } from '../../core/heads/output-parts.ts';
import type { LetterboxAnchor, LetterboxResize } from '../../core/image/letterbox.ts';
import { countMacs, type ProfiledNode } from '../inference/profile.ts';
import { GraphSession, makeFeed } from '../inference/session.ts';
import type { Bundle } from '../../model/bundle.ts';
import { sha256Of } from '../../platform/digest.ts';
import {
  checkEquivalence,
  compareGraphs,
  INSPECTION,
  measureSensitivity,
  ROUNDING,
  type InputSize,
} from './equivalence.ts';
import { finishedBy, type Equivalence } from './output-comparison.ts';
import { checkTask, differences, labelsOf, madeUpLabels, sizeOf } from './foreign-facts.ts';
import { layoutWords, pixelWords } from './import-words.ts';
import { adaptOutput } from '../../model/onnx/adapt-output.ts';
import { isEngineContext } from '../../model/onnx/engine-context.ts';
import { inlineExternalData } from '../../model/onnx/external-data.ts';
import { castHalfBoundaries } from '../../model/onnx/float-boundaries.ts';
import {
  describeInput,
  foldPreprocessing,
  inputDims,
  type NetworkInput,
  type Normalization,
} from '../../model/onnx/fold.ts';
import { joinFocus } from '../../model/onnx/focus.ts';
import { countParameters, precisionOf } from '../../model/onnx/inspect.ts';
import { MAX_MODEL_BYTES, readModel, writeModel } from '../../model/onnx/model.ts';
import { readMetadata } from '../../model/onnx/metadata.ts';
import { fillSizeInputs, takeSizeInputs } from '../../model/onnx/size-inputs.ts';
import { replaceSuppressionPlugin, type PluginFacts } from '../../model/onnx/tensorrt-plugins.ts';
import { presetFor } from './presets.ts';
import { seeOutputs } from './see-outputs.ts';
import type { SourceImage } from '../references/store-image.ts';
import { makeReferences, type MadeReferences } from './make-references.ts';
import { readRegularFile } from '../../platform/regular-file.ts';
import { writeBundle } from '../../model/write-bundle.ts';

export interface ImportOptions {
  /** an ONNX file */
  readonly file: string;
  /** its content, if it was read already */
  readonly bytes?: Uint8Array;
  /** model folder for `<name>/<version>/` */
  readonly out: string;
  readonly name: string;
  readonly version: string;
  /** those in the file by default */
  readonly labels?: readonly string[];
  /**
   * what to do if neither the file nor the user names the classes: refuse, or use the names of COCO (for 80
   * classes) or numbers
   */
  readonly unnamed?: 'refused' | 'numbered';
  /** determined by running the graph by default */
  readonly head?: Head;
  /** known facts about the layout of its outputs; the rest is determined by running the graph */
  readonly layout?: Omit<LayoutHints, 'head'>;
  /** network input, for a graph that leaves it open */
  readonly size?: InputSize;
  /** the normalization in training; the usual values for the head by default */
  readonly normalization?: Partial<Normalization>;
  readonly anchor?: LetterboxAnchor;
  readonly padValue?: number;
  /** how training images were scaled down */
  readonly resize?: LetterboxResize;
  readonly description?: string;
  readonly license?: string;
  /** facts about how the model was made, stored in the manifest; the import is added to its stages */
  readonly lineage?: LineageFacts;
  /** what `goshawk evaluate` measured with the same graph */
  readonly evaluation?: NonNullable<BundleManifest['evaluation']>;
  /** name and version of this program */
  readonly tool: string;
  /**
   * creation time, ISO 8601; without it, the same file with the same options yields the same bundle byte for
   * byte
   */
  readonly createdAt?: string;
  /** images for its references; drawn streets by default, `null` for a bundle without references */
  readonly referenceImages?: readonly SourceImage[] | null;
}

export interface ImportReport {
  readonly bundle: Bundle;
  /** true if the head was determined by running the graph */
  readonly guessed: boolean;
  /** how its outputs are read, in words */
  readonly layout: string;
  /** assumptions, and contradictions between the file and the given facts */
  readonly notes: readonly string[];
  readonly steps: readonly string[];
  readonly equivalence: Equivalence;
  /** null if the bundle has none */
  readonly references: MadeReferences | null;
}

/** Largest |folded - original| / (1 + |original|) that rounding explains; half precision rounds at 2^-11. */
const TOLERANCE = { fp32: 1e-3, fp16: 2e-2, int8: 1e-3, mixed: 1e-3 } as const;

/** Maximum batch stated for a graph with an open batch. */
const OPEN_BATCH = 8;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Makes a bundle from a foreign detector: determines or checks the head, folds preprocessing into the graph,
 * verifies that the folded graph reproduces the original, counts parameters, and writes the bundle. Nothing
 * is written unless everything succeeds. Throws GOSHAWK_FILE_UNREADABLE, GOSHAWK_MODEL_UNREADABLE,
 * GOSHAWK_NOT_A_DETECTOR, GOSHAWK_HEAD_MISMATCH, GOSHAWK_LABELS_MISMATCH, GOSHAWK_USAGE.
 */
export async function importModel(options: ImportOptions): Promise<ImportReport> {
  const { file } = options;
  const bytes = options.bytes ?? (await readModelFile(file));
  const sourceDigest = sha256Of(bytes);
  const model = readModel(bytes, file);
  if (isEngineContext(model)) {
    throw new GoshawkError('GOSHAWK_NOT_A_DETECTOR', {
      file,
      reason: 'it contains an engine built for one device: import the ONNX model that it was built from',
    });
  }
  const external = await inlineExternalData(model, file);
  const metadata = readMetadata(model);
  checkTask(metadata, file);
  castHalfBoundaries(model);
  const plugin = replaceSuppressionPlugin(model, file);
  const sizeInputs = takeSizeInputs(model);
  const input = describeInput(model, file);
  const size = sizeOf(input, options.size, metadata);
  const filled = fillSizeInputs(model, sizeInputs, size, file);
  const seen = await look(writeModel(model), input, size, file);
  const known = labelsOf(options.labels, metadata, file);
  const layout = layoutOf(options, seen.outputs, size, known, plugin);
  const head = headOfLayout(layout, options.head);
  const { labels, assumed } = namedClasses(options, layout, known);
  const preset = presetFor(head, layout, size);
  const normalization = { ...preset.normalization, ...options.normalization };
  const precision = precisionOf(model);
  const parameters = countParameters(model);
  const adapted = adaptOutput(model, { head, layout, batch: input.batch, ...size });
  const original = writeModel(model);

  const joined = joinFocus(model) > 0 ? ['slices of the Focus layer in its convolution'] : [];
  const steps = [
    ...filled,
    ...adapted,
    ...joined,
    ...foldPreprocessing(model, input, size, normalization).steps,
  ];
  const folded = writeModel(model);
  const foldedDigest = sha256Of(folded);
  const rounding = precision === 'fp16' ? ROUNDING.fp16 : ROUNDING.fp32;
  const asked = { input, size, normalization, rounding, finished: finishedBy(head, labels.length) };
  const equivalence = await compareGraphs(original, folded, asked);
  const amplified = await checkEquivalence(equivalence, TOLERANCE[precision], file, () =>
    measureSensitivity(original, asked),
  );
  const batch = input.batch ?? ((await takesBatch(folded, size, 2)) ? null : 1);
  const imported: LineageStage = {
    stage: 'import',
    inputDigest: sourceDigest,
    outputDigest: foldedDigest,
    hyperparameters: { normalization },
    ...(external.length === 0 ? {} : { externalData: external }),
  };
  const manifest: BundleManifest = {
    schema: 'goshawk.bundle/1',
    name: options.name,
    version: options.version,
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(options.license === undefined ? {} : { license: options.license }),
    head,
    labels: [...labels],
    input: {
      ...size,
      colorOrder: normalization.colorOrder,
      anchor: options.anchor ?? preset.anchor,
      padValue: options.padValue ?? preset.padValue,
      resize: options.resize ?? preset.resize,
    },
    thresholds: plugin?.thresholds ?? preset.thresholds,
    variants: [
      {
        id: precision,
        file: 'model.onnx',
        sha256: foldedDigest,
        bytes: folded.byteLength,
        precision,
        providers: [...PROVIDERS],
        batch: batch === null ? { min: 1, max: OPEN_BATCH } : { min: batch, max: batch },
      },
    ],
    ...(options.evaluation === undefined ? {} : { evaluation: options.evaluation }),
    lineage: {
      ...options.lineage,
      parents: options.lineage?.parents ?? [],
      ...(options.createdAt === undefined ? {} : { createdAt: options.createdAt }),
      tool: options.tool,
      sourceDigest,
      stages: [...(options.lineage?.stages ?? []), imported],
      folded: steps,
    },
    parameters,
    macs: countMacs(seen.nodes) / (input.batch ?? 1),
  };
  const references = await referencesOf(options, manifest, folded);
  const files = new Map<string, Uint8Array>([['model.onnx', folded]]);
  if (references !== null) files.set(references.entry.file, references.bytes);
  const complete = references === null ? manifest : { ...manifest, references: references.entry };
  const bundle = await writeBundle(options.out, complete, files);
  const unused =
    options.normalization?.colorOrder === undefined && options.normalization?.scale === undefined;
  return {
    bundle,
    guessed: options.head === undefined,
    layout: layoutWords(layout),
    notes: [
      ...(plugin === null
        ? []
        : ["TensorRT's suppression was taken out: the runtime suppresses, with its thresholds"]),
      ...assumed,
      ...(unused ? [`pixels are taken as ${pixelWords(normalization)}, as is customary for it`] : []),
      ...amplified,
      ...differences(metadata, { size, labels }),
    ],
    steps,
    equivalence,
    references,
  };
}

async function referencesOf(
  { referenceImages }: ImportOptions,
  manifest: BundleManifest,
  model: Uint8Array,
): Promise<MadeReferences | null> {
  if (referenceImages === null) return null;
  const pictures = referenceImages === undefined ? {} : { pictures: referenceImages };
  try {
    return await makeReferences({ manifest, readFile: () => Promise.resolve(model), ...pictures });
  } catch (error) {
    // a model that fails on noise may work on images: it is imported, and runs unchecked
    if (error instanceof GoshawkError && error.code === 'GOSHAWK_MODEL_OUTPUT_INVALID') return null;
    throw error;
  }
}

/** The bytes of an ONNX file. Throws GOSHAWK_FILE_UNREADABLE. */
export async function readModelFile(file: string): Promise<Uint8Array> {
  try {
    return await readRegularFile(file, MAX_MODEL_BYTES);
  } catch (cause) {
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason: messageOf(cause) }, { cause });
  }
}

interface Seen {
  readonly outputs: readonly SeenOutput[];
  readonly nodes: readonly ProfiledNode[];
}

/** Runs the original graph, so that its outputs and the cost of its nodes are known. */
async function look(model: Uint8Array, input: NetworkInput, size: InputSize, file: string): Promise<Seen> {
  try {
    const session = await GraphSession.load(model, { ...INSPECTION, optimize: false, profile: true });
    try {
      const batch = input.batch ?? 1;
      const zeros = new Float32Array(batch * 3 * size.height * size.width);
      await session.run({ [input.name]: makeFeed(zeros, inputDims(input, size, batch)) });
      return { outputs: await seeOutputs(model, input, size), nodes: await session.takeProfile() };
    } finally {
      await session.close();
    }
  } catch (cause) {
    throw new GoshawkError('GOSHAWK_MODEL_UNREADABLE', { file, reason: messageOf(cause) }, { cause });
  }
}

function layoutOf(
  { file, head, layout }: ImportOptions,
  outputs: readonly SeenOutput[],
  size: InputSize,
  labels: readonly string[] | null,
  plugin: PluginFacts | null,
): OutputLayout {
  const hints: LayoutHints = {
    ...(plugin === null ? {} : { box: plugin.box, suppressed: false }),
    ...layout,
    ...(head === undefined ? {} : { head }),
  };
  const graph = { inputWidth: size.width, inputHeight: size.height, labels: labels?.length ?? null };
  const reported = describeLayout(outputs, hints, graph);
  if (!('failure' in reported)) return reported;
  if (reported.classes !== undefined && labels !== null && head === undefined) {
    throw new GoshawkError('GOSHAWK_LABELS_MISMATCH', {
      bundle: file,
      labels: labels.length,
      classes: reported.classes,
    });
  }
  throw new GoshawkError('GOSHAWK_NOT_A_DETECTOR', { file, reason: reported.failure });
}

/** The names of all classes. Throws GOSHAWK_USAGE if there are none. */
function namedClasses(
  { file, unnamed = 'refused' }: ImportOptions,
  { classes }: OutputLayout,
  known: readonly string[] | null,
): { readonly labels: readonly string[]; readonly assumed: readonly string[] } {
  if (known !== null) return { labels: known, assumed: [] };
  if (unnamed === 'refused' || classes === null) {
    const many = classes === null ? 'classes' : `${classes} classes`;
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${file} does not name its ${many}: import it with "goshawk models import ${file} --labels FILE"`,
    });
  }
  const labels = madeUpLabels(classes);
  const words = labels[0] === 'class0' ? 'numbers' : 'those of COCO';
  return { labels, assumed: [`its ${classes} classes are unnamed: assumed to be ${words}`] };
}

/**
 * True if the graph runs with this batch size: a variable batch in its header may still be fixed further
 * inside.
 */
async function takesBatch(model: Uint8Array, { width, height }: InputSize, count: number): Promise<boolean> {
  const session = await GraphSession.load(model, INSPECTION);
  try {
    const input = session.inputs[0]?.name ?? '';
    const pictures = new Uint8Array(count * width * height * 3);
    const values = await session.run({ [input]: makeFeed(pictures, [count, height, width, 3]) });
    return values.every(({ dims }) => dims[0] === count);
  } catch {
    return false;
  } finally {
    await session.close();
  }
}
