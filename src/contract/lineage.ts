import { z } from 'zod';

/**
 * What made a bundle: the record that a model's manifest keeps of its past. Every object here is open: a key
 * that is not named is kept. Fields are optional, because a foreign model comes with no past; what is given
 * has to be of its type.
 *
 * Stages run from the first to the last, e.g. train, prune, distill, qat, import, optimize. A writer that
 * changes a bundle copies its stages, appends its own, and names the bundle that it started from as a parent.
 */

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 is 64 lower-case hex digits');

/** A moment, ISO 8601 in UTC, such as `2026-11-23T09:27:48Z`. */
const momentSchema = z.iso.datetime();

const count = z.int().nonnegative();

/** The machine that something was made or measured on; a report's `host` fits, and so does what the training writes. */
export const machineSchema = z.looseObject({
  /** such as `AMD EPYC` or `Jetson Orin NX` */
  cpu: z.string().max(200),
  cores: z.int().positive(),
  os: z.string().max(200),
});

/**
 * Images: by the digest of their annotation file or store, or by what draws them again (simulator version and
 * seeds).
 */
const picturesSchema = z.looseObject({
  name: z.string().max(200).optional(),
  digest: sha256Schema.optional(),
  /** images */
  count: count.optional(),
  /** version of the simulator that drew them */
  simulator: z.string().max(40).optional(),
  seeds: z.array(z.int()).max(10_000).optional(),
});

/** What pruning did. Shares are of weights, 0..1; multiply-accumulates are those of one frame. */
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
  /** over the names and contents of the images, in order */
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

/** A network whose answers another one learned from. */
const teacherSchema = z.looseObject(bundleReference);

/** One step on the way to a bundle. */
const stageSchema = z.looseObject({
  /**
   * Goshawk's own tools write `train`, `prune`, `distill`, `qat`, `import`, `optimize` and `engine`. Another
   * word is allowed: a bundle of a newer tool still has to load.
   */
  stage: z
    .string()
    .max(60)
    .regex(/^[a-z][a-z0-9-]*$/, 'lower-case letters, digits and dashes'),
  finishedAt: momentSchema.optional(),
  seconds: z.number().nonnegative().optional(),
  /** commit of the code that ran; `-dirty` behind it where files differed */
  codeCommit: z.string().max(80).optional(),
  /** sha256 over the sources that ran, where a commit says too little */
  codeDigest: sha256Schema.optional(),
  host: machineSchema.optional(),
  /** sha256 of the file that the stage began with: a checkpoint, an ONNX file */
  inputDigest: sha256Schema.optional(),
  /** sha256 of the file that it gave */
  outputDigest: sha256Schema.optional(),
  dataset: picturesSchema.optional(),
  hyperparameters: z.record(z.string(), z.unknown()).optional(),
  /** by what is scheduled (`learningRate`, `sparsity`): kind, first and last value, steps */
  schedules: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  pruning: pruningSchema.optional(),
  calibration: calibrationSchema.optional(),
  teacher: teacherSchema.optional(),
  toolVersions: z.record(z.string(), z.string()).optional(),
});

/** A bundle that this one was made from. */
const parentSchema = z.strictObject({
  ...bundleReference,
  /** what it gave: `weights` (the usual case, where nothing is said), `teacher` */
  role: z.string().max(40).optional(),
});

/** What made the bundle as a whole. */
export const lineageSchema = z.looseObject({
  /**
   * When. Left out unless whoever made it says so (`--created-at`, SOURCE_DATE_EPOCH): it is the one input of
   * a deterministic step that is never the same twice, and the bundle's digest is over it.
   */
  createdAt: momentSchema.optional(),
  /** the command that wrote the bundle */
  tool: z.string().max(200),
  codeCommit: z.string().max(80).optional(),
  parents: z.array(parentSchema).max(50).default([]),
  /** of the foreign file that was imported */
  sourceDigest: sha256Schema.optional(),
  /** of the data that the weights were learned from */
  datasetDigest: sha256Schema.optional(),
  hyperparameters: z.record(z.string(), z.unknown()).optional(),
  toolVersions: z.record(z.string(), z.string()).optional(),
  stages: z.array(stageSchema).max(100).optional(),
});

/** The part of a lineage that a training run or another tool hands to the command that writes the bundle. */
export const lineageFactsSchema = lineageSchema.omit({ createdAt: true, tool: true }).partial();

export type Lineage = z.infer<typeof lineageSchema>;
export type LineageFacts = z.infer<typeof lineageFactsSchema>;
export type LineageStage = z.infer<typeof stageSchema>;
