import { PROVIDERS } from './providers.ts';
import { z } from 'zod';
import { HEADS } from '../core/heads/head-table.ts';
import { lineageSchema, machineSchema, sha256Schema } from './lineage.ts';
import { machineKindSchema } from './machine.ts';
import { MAX_REFERENCE_BYTES } from './references.ts';

/**
 * A file next to the manifest. Folders and absolute paths are refused, so that a bundle cannot refer to
 * anything outside its folder.
 */
const bundleFileSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'a file name without folders');

const semverSchema = z
  .string()
  .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'a semantic version such as 1.2.0');

export const bundleNameSchema = z
  .string()
  .max(100)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'lower-case letters, digits, dot, dash, underscore');

/** What a TensorRT engine in an EPContext file was built for. It loads nowhere else. */
const engineCompatibilitySchema = z.strictObject({
  tensorrt: z.string().max(40),
  /** compute capability, such as `8.7` for Orin */
  computeCapability: z.string().regex(/^\d+\.\d+$/),
  cuda: z.string().max(40).optional(),
});

/** Milliseconds for one frame, model only. */
const latencySchema = z.strictObject({
  p50: z.number().nonnegative(),
  p99: z.number().nonnegative().optional(),
  runs: z.int().positive(),
  threads: z.int().positive(),
  host: z.string().max(200),
  measuredAt: z.iso.datetime().optional(),
});

const variantIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]*$/)
  .max(60);

const variantSchema = z.strictObject({
  id: variantIdSchema,
  file: bundleFileSchema,
  sha256: sha256Schema,
  bytes: z.int().positive(),
  precision: z.enum(['fp32', 'fp16', 'int8', 'mixed']),
  /** providers this variant is meant for, best first */
  providers: z.array(z.enum(PROVIDERS)).min(1),
  batch: z.strictObject({ min: z.int().positive(), max: z.int().positive() }),
  engine: engineCompatibilitySchema.optional(),
  /** the arithmetic that it needs for correct results; absent if any will do */
  requires: z.strictObject({ int8: z.literal('exact') }).optional(),
  /** on the machine that made the bundle */
  latencyMs: latencySchema.optional(),
  /** the same by kind of machine, at most one entry per kind */
  latencies: z
    .array(latencySchema.extend({ machine: machineKindSchema }))
    .max(50)
    .optional(),
});

const evaluationSchema = z.strictObject({
  dataset: z.string().max(200),
  datasetDigest: sha256Schema.optional(),
  images: z.int().positive(),
  ap: z.number().min(0).max(1),
  ap50: z.number().min(0).max(1),
  apByClass: z.record(z.string(), z.number().min(0).max(1).nullable()),
  /** name and version of the code that measured it */
  evaluator: z.string().max(200),
  preprocess: z.string().max(40).optional(),
  /** id of the variant that ran; the first if absent */
  variant: variantIdSchema.optional(),
  measuredAt: z.iso.datetime().optional(),
  host: machineSchema.optional(),
  /** kind of machine that it was measured on */
  machine: machineKindSchema.optional(),
  /** true if its 8-bit sums saturate on that machine, and ONNX Runtime's exact kernels were used instead */
  exactInt8: z.literal(true).optional(),
});

/**
 * The file of references next to the manifest (`references.ts`). Bundles made by older versions have none.
 */
const referencesEntrySchema = z.strictObject({
  file: bundleFileSchema,
  sha256: sha256Schema,
  bytes: z.int().positive().max(MAX_REFERENCE_BYTES),
});

/** Class names identify detections and variant ids identify variants, so neither may repeat. */
function refuseRepeated(what: string): (names: readonly string[], context: z.RefinementCtx) => void {
  return (names, context) => {
    const seen = new Set<string>();
    for (const name of names) {
      if (seen.has(name)) context.addIssue({ code: 'custom', message: `${what} "${name}" appears twice` });
      seen.add(name);
    }
  };
}

/**
 * `bundle.json`, the description of a model. The graph of every variant takes one uint8 tensor `[batch,
 * height, width, 3]` in RGB order; cast, channel order, normalization and transposition are nodes of the
 * graph, added on import.
 */
export const bundleManifestSchema = z.strictObject({
  schema: z.literal('goshawk.bundle/1'),
  name: bundleNameSchema,
  version: semverSchema,
  description: z.string().max(2000).optional(),
  license: z.string().max(100).optional(),
  head: z.enum(HEADS),
  labels: z.array(z.string().min(1).max(100)).min(1).max(4096).superRefine(refuseRepeated('label')),
  input: z.strictObject({
    width: z.int().min(32).max(4096),
    height: z.int().min(32).max(4096),
    /** the channel order that the original network was trained with; the folded graph always takes RGB */
    colorOrder: z.enum(['rgb', 'bgr']),
    anchor: z.enum(['top-left', 'center']),
    padValue: z.int().min(0).max(255),
    /** how training images were scaled down */
    resize: z.enum(['bilinear', 'average']).default('bilinear'),
  }),
  thresholds: z.strictObject({
    score: z.number().min(0).max(1),
    iou: z.number().min(0).max(1),
    maxDetections: z.int().min(1).max(10_000),
  }),
  variants: z
    .array(variantSchema)
    .min(1)
    .max(50)
    .superRefine((variants, context) => {
      refuseRepeated('variant id')(
        variants.map(({ id }) => id),
        context,
      );
    }),
  evaluation: z.array(evaluationSchema).optional(),
  references: referencesEntrySchema.optional(),
  lineage: lineageSchema,
  parameters: z.int().nonnegative(),
  macs: z.int().nonnegative(),
});

export type BundleManifest = z.infer<typeof bundleManifestSchema>;
export type BundleVariant = BundleManifest['variants'][number];
