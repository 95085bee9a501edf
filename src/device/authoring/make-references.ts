import type { BundleManifest, BundleVariant } from '../../contract/bundle.ts';
import {
  MAX_REFERENCE_BYTES,
  REFERENCES_FILE,
  referencesSchema,
  type ReferenceInput,
  type References,
  type VariantReference,
} from '../../contract/references.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { createCandidateReader } from '../../core/heads/decoder.ts';
import { bestCandidates, type BestCandidates } from '../../core/references/deviation.ts';
import { noiseImage } from '../../core/references/synthetic.ts';
import { sha256Of } from '../../platform/digest.ts';
import { LetterboxedGraph } from '../inference/letterboxed-graph.ts';
import { machineFingerprint } from '../inference/machine-fingerprint.ts';
import { referenceInput } from '../inference/reference-check.ts';
import { storeImage, type SourceImage } from '../references/store-image.ts';
import { digestOfPixels } from '../references/read-references.ts';
import { claimsOf } from '../../model/bundle.ts';
import { isEngineContext } from '../../model/onnx/engine-context.ts';
import { readModel } from '../../model/onnx/model.ts';
import { simulatedImages } from './simulated-images.ts';

export interface ReferenceMaterial {
  /** manifest with the variants that need references */
  readonly manifest: BundleManifest;
  /** reads the bytes of a variant's file */
  readonly readFile: (file: string) => Promise<Uint8Array>;
  /** images of the model's domain, of any size; the first three are used. Drawn streets by default */
  readonly pictures?: readonly SourceImage[];
}

export interface MadeReferences {
  /** of references.json */
  readonly bytes: Uint8Array;
  /** for the manifest */
  readonly entry: NonNullable<BundleManifest['references']>;
  /** variants with an engine for another device, which have no references */
  readonly without: readonly string[];
  /**
   * mean over the images of the best score in each, 0..1; if it is near 0, the model finds nothing in them
   * and other images would be better
   */
  readonly bestScore: number;
}

/** Maximum number of stored images, the first of those given; noise is added to them. */
export const MAX_PICTURES = 3;

/**
 * Noise that causes the largest sums in a network, where 8-bit arithmetic saturates: squares of 8 to 32
 * pixels.
 */
const NOISE = [
  { seed: 7, block: 32 },
  { seed: 8, block: 8 },
  { seed: 9, block: 16 },
] as const;

/** Number of candidates stored per input, fewer if many variants would make the file too large. */
const CANDIDATES = [48, 32, 24, 16, 8] as const;

/**
 * Deviations of the worst input that still count as the same. Exact arithmetic agrees to a ten-thousandth on
 * every CPU and every version of ONNX Runtime that was tried. Two ways to fuse a quantized graph (another
 * optimizer, TensorRT) differ by up to 0.1, as much as the float graph does from the quantized one;
 * saturating sums yield 0.57, swapped channels 0.8, another model with the same labels 1.2 (docs/models.md,
 * "References").
 */
const TOLERANCES: Readonly<Record<BundleVariant['precision'], number>> = {
  fp32: 0.03,
  fp16: 0.06,
  int8: 0.2,
  mixed: 0.2,
};

/** The deviation allowed for a variant of this precision. */
export function toleranceOf(precision: BundleVariant['precision']): number {
  return TOLERANCES[precision];
}

/**
 * Runs every variant on small inputs, in the arithmetic that its accuracy was evaluated with, and stores the
 * outputs, which `checkReference` compares on every device. CPUs whose 8-bit products saturate use exact
 * kernels here. Throws whatever loading a graph throws.
 */
export async function makeReferences({
  manifest,
  readFile,
  pictures,
}: ReferenceMaterial): Promise<MadeReferences> {
  const machine = await machineFingerprint();
  const madeOn = { machine: machine.kind, onnxruntime: machine.onnxruntime };
  const inputs = await makeInputs(manifest, pictures ?? simulatedImages(MAX_PICTURES));
  const variants: VariantReference[] = [];
  const without: string[] = [];
  for (const { id, file, sha256, precision, batch } of manifest.variants) {
    const bytes = await readFile(file);
    if (isEngineContext(readModel(bytes, file))) {
      without.push(id);
      continue;
    }
    const outputs = await runInputs(manifest, bytes, batch.max, inputs);
    variants.push({ id, sha256, tolerance: toleranceOf(precision), madeOn, outputs });
  }
  const bestScores = inputs.flatMap(({ input }, index) =>
    input.kind === 'picture'
      ? [Math.max(0, ...variants.map(({ outputs }) => outputs[index]?.scores[0] ?? 0))]
      : [],
  );
  return {
    ...encodeReferences({
      schema: 'goshawk.references/1',
      inputs: inputs.map(({ input }) => input),
      variants,
    }),
    without,
    bestScore: bestScores.reduce((sum, score) => sum + score, 0) / Math.max(1, bestScores.length),
  };
}

/**
 * The file, with as many candidates as fit, and its entry in the manifest. Throws a ZodError for references
 * that do not follow the schema.
 */
export function encodeReferences(references: References): Pick<MadeReferences, 'bytes' | 'entry'> {
  const checked = referencesSchema.parse(references);
  for (const limit of CANDIDATES) {
    const variants = checked.variants.map((variant) => ({
      ...variant,
      outputs: variant.outputs.map((output) => cut(output, limit)),
    }));
    const bytes = new TextEncoder().encode(JSON.stringify({ ...checked, variants }));
    if (bytes.byteLength > MAX_REFERENCE_BYTES) continue;
    const sha256 = sha256Of(bytes);
    return { bytes, entry: { file: REFERENCES_FILE, sha256, bytes: bytes.byteLength } };
  }
  throw new RangeError(
    `references of ${checked.variants.length} variants do not fit ${MAX_REFERENCE_BYTES} bytes`,
  );
}

function cut(
  { places, classes, scores, boxes }: BestCandidates,
  limit: number,
): VariantReference['outputs'][number] {
  return {
    places: places.slice(0, limit),
    classes: classes.slice(0, limit),
    scores: scores.slice(0, limit),
    boxes: boxes.slice(0, 4 * limit),
  };
}

interface PreparedInput {
  readonly input: ReferenceInput;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** Images and noise alternate, so that a check with time for two inputs covers one of each. */
async function makeInputs(
  manifest: BundleManifest,
  pictures: readonly SourceImage[],
): Promise<readonly PreparedInput[]> {
  const stored: PreparedInput[] = [];
  for (const image of pictures.slice(0, MAX_PICTURES)) stored.push(await storeImage(image, manifest.input));
  const noise = NOISE.map(({ seed, block }): PreparedInput => {
    const pixels = noiseImage(manifest.input, seed, block);
    return { input: { kind: 'noise', seed, block, sha256: digestOfPixels(pixels) }, pixels };
  });
  return Array.from({ length: Math.max(stored.length, noise.length) }, (_, i) => [stored[i], noise[i]])
    .flat()
    .filter((entry) => entry !== undefined);
}

async function runInputs(
  manifest: BundleManifest,
  model: Uint8Array,
  maxBatch: number,
  inputs: readonly PreparedInput[],
): Promise<VariantReference['outputs']> {
  const claims = claimsOf(manifest);
  const { head, labels: classes, inputWidth, inputHeight } = claims;
  const read = createCandidateReader({ head, classes, inputWidth, inputHeight });
  const settings = { provider: 'cpu', threads: 1, exactInt8: true } as const;
  const graph = await LetterboxedGraph.load(model, claims, maxBatch, settings);
  try {
    await graph.warmUp();
    const outputs: VariantReference['outputs'] = [];
    for (const { pixels } of inputs) {
      const candidates = read(await graph.run([referenceInput(pixels, claims, 'letterboxed')], 0, 1), 0);
      if (candidates === null) {
        throw new GoshawkError('GOSHAWK_MODEL_OUTPUT_INVALID', {
          bundle: claims.bundle,
          what: 'a box or a score for a reference input',
        });
      }
      outputs.push(cut(bestCandidates(candidates, CANDIDATES[0]), CANDIDATES[0]));
    }
    return outputs;
  } finally {
    await graph.close();
  }
}
