import { z } from 'zod';

/**
 * How a bundle was made, as recorded in its manifest. Every object here is open: unknown keys are kept.
 * Fields are optional, because a foreign model has no known history; fields that are present must have the
 * right type.
 *
 * Stages run from the first to the last, e.g. train, prune, distill, qat, import, optimize. A tool that
 * derives a bundle copies the stages, appends its own, and names the bundle that it started from as a parent.
 */

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 is 64 lower-case hex digits');

/** A time, ISO 8601 in UTC, such as `2026-11-23T09:27:48Z`. */
const momentSchema = z.iso.datetime();

const count = z.int().nonnegative();

/**
 * The machine that something was made or measured on. A report's `host` fits, and so does what the training
 * tools write.
 */
export const machineSchema = z.looseObject({
  /** such as `AMD EPYC` or `Jetson Orin NX` */
  cpu: z.string().max(200),
  cores: z.int().positive(),
  os: z.string().max(200),
});

/**
 * A set of images, identified by the digest of its annotation file or store, or by what reproduces it
 * (simulator version and seeds).
 */
const picturesSchema = z.looseObject({
  name: z.string().max(200).optional(),
  digest: sha256Schema.optional(),
  /** number of images */
  count: count.optional(),
  /** version of the simulator that drew them */
  simulator: z.string().max(40).optional(),
  seeds: z.array(z.int()).max(10_000).optional(),
});

/** What pruning did. Shares are of weights, 0..1; multiply-accumulates are per frame. */
const pruningSchema = z.looseObject({
  /** `channels`, `2:4`, ... */
  pattern: z.string().max(60).optional(),
  /** share of weights that were removed or are zero */
  sparsity: z.number().min(0).max(1).optional(),
  macsBefore: count.optional(),
  macsAfter: count.optional(),
  parametersBefore: count.optional(),
  parametersAfter: count.optional(),
});

/** What quantization was calibrated with. */
const calibrationSchema = z.looseObject({
  /** sha256 over the names and contents of the images, in order */
  digest: sha256Schema,
  /** images */
  count: count.optional(),
  /** `minmax`, `entropy`, `percentile`, ... */
  method: z.string().max(60).optional(),
});

/** A bundle by its digest (sha256 of its bundle.json). */
const bundleReference = {
  name: z.string().max(100),
  version: z.string().max(60).optional(),
  digest: sha256Schema,
};

/** A network whose outputs another one was trained on. */
const teacherSchema = z.looseObject(bundleReference);

/** One step on the way to a bundle. */
const stageSchema = z.looseObject({
  /**
   * Goshawk's own tools write `train`, `prune`, `distill`, `qat`, `import`, `optimize` and `engine`. Other
   * words are allowed, so that a bundle made by a newer tool still loads.
   */
  stage: z
    .string()
    .max(60)
    .regex(/^[a-z][a-z0-9-]*$/, 'lower-case letters, digits and dashes'),
  finishedAt: momentSchema.optional(),
  seconds: z.number().nonnegative().optional(),
  /** commit of the code that ran, followed by `-dirty` if files differed */
  codeCommit: z.string().max(80).optional(),
  /** sha256 over the sources that ran, if a commit does not identify them */
  codeDigest: sha256Schema.optional(),
  host: machineSchema.optional(),
  /** sha256 of the file that the stage began with: a checkpoint, an ONNX file */
  inputDigest: sha256Schema.optional(),
  /** sha256 of the file that it produced */
  outputDigest: sha256Schema.optional(),
  dataset: picturesSchema.optional(),
  hyperparameters: z.record(z.string(), z.unknown()).optional(),
  /** by the quantity that is scheduled (`learningRate`, `sparsity`): kind, first and last value, steps */
  schedules: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  pruning: pruningSchema.optional(),
  calibration: calibrationSchema.optional(),
  teacher: teacherSchema.optional(),
  toolVersions: z.record(z.string(), z.string()).optional(),
});

/** A bundle that this one was made from. */
const parentSchema = z.strictObject({
  ...bundleReference,
  /** what it contributed: `weights` (the default) or `teacher` */
  role: z.string().max(40).optional(),
});

/** How the bundle as a whole was made. */
export const lineageSchema = z.looseObject({
  /**
   * When the bundle was made. Absent unless requested (`--created-at`, SOURCE_DATE_EPOCH): the bundle's
   * digest covers it, and it is the only input of a deterministic step that differs each time.
   */
  createdAt: momentSchema.optional(),
  /** the command that wrote the bundle */
  tool: z.string().max(200),
  codeCommit: z.string().max(80).optional(),
  parents: z.array(parentSchema).max(50).default([]),
  /** sha256 of the foreign file that was imported */
  sourceDigest: sha256Schema.optional(),
  /** sha256 of the data that the weights were trained on */
  datasetDigest: sha256Schema.optional(),
  hyperparameters: z.record(z.string(), z.unknown()).optional(),
  toolVersions: z.record(z.string(), z.string()).optional(),
  stages: z.array(stageSchema).max(100).optional(),
});

/** The part of a lineage that a training run or another tool passes to the command that writes the bundle. */
export const lineageFactsSchema = lineageSchema.omit({ createdAt: true, tool: true }).partial();

export type Lineage = z.infer<typeof lineageSchema>;
export type LineageFacts = z.infer<typeof lineageFactsSchema>;
export type LineageStage = z.infer<typeof stageSchema>;
