import { z } from 'zod';

/**
 * The quantizer's answers, one JSON object per line on its standard output
 * (scripts/optimize/goshawk_optimize).
 */
export const answerSchema = z.union([
  z.object({ id: z.int(), progress: z.object({ done: z.number(), total: z.number() }) }),
  z.object({
    id: z.int(),
    error: z.object({
      kind: z.enum(['no-space', 'bad-model', 'unsupported', 'internal']),
      reason: z.string(),
    }),
  }),
  z.object({ id: z.int(), ok: z.unknown() }),
]);

const count = z.int().nonnegative();

/** Every successful answer also contains the peak memory of the process (VmHWM). */
export const peakSchema = z.object({ peakBytes: count.optional() });

export const helloSchema = z.object({ versions: z.record(z.string(), z.string()) });

/** The result of cleaning a graph. Differences are those of outputs on the quantizer's own test images. */
export const cleanSchema = z.object({
  steps: z.array(z.string()),
  nodesBefore: count,
  nodesAfter: count,
  dynamicBatch: z.boolean(),
  maxAbsDifference: z.number().nonnegative(),
  maxRelativeDifference: z.number().nonnegative(),
  bytes: count,
});

export const calibrateSchema = z.object({ tensors: count });

/** One layer that can be quantized, and the effect on the outputs of quantizing only this layer. */
export const layerSchema = z.object({
  node: z.string(),
  opType: z.string(),
  /** relative error of the outputs, >= 0; null if it is not a number */
  error: z.number().nonnegative().nullable(),
  parameters: count,
  outputShape: z.array(z.union([z.number(), z.string()])),
});

export const sensitivitySchema = z.object({ layers: z.array(layerSchema) });

export const quantizeSchema = z.object({
  bytes: count,
  quantized: z.array(z.string()),
  float: z.array(z.string()),
});

export const halfSchema = z.object({ bytes: count });

/** How a graph is quantized to static int8. */
export interface Scheme {
  readonly calibration: 'minmax' | 'entropy' | 'mse' | 'percentile' | 'trained';
  /** share of activations inside the range, percent; 100 if the calibration is not by percentile */
  readonly percentile: number;
  readonly perChannel: boolean;
  /** nodes that stay in float */
  readonly keepFloat: readonly string[];
  readonly equalize: boolean;
  readonly biasCorrection: boolean;
  readonly target: 'cpu' | 'tensorrt';
  /** only convolutions, or everything with an integer kernel */
  readonly opTypes: 'conv' | 'all';
  /** stores the weights of float layers as int8, which become floats again when the graph is loaded */
  readonly packFloat: boolean;
  /**
   * weights that cannot overflow 16-bit sums of two products, so that CPUs without VNNI compute the same as
   * others
   */
  readonly saturationFree: boolean;
}

/** A file of letterboxed images: `count` times uint8 RGB `[height, width, 3]`. */
export interface ImageFile {
  readonly pictures: string;
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

/** The operations of the quantizer and the schemas of their answers. */
export const OPERATIONS = {
  hello: helloSchema,
  clean: cleanSchema,
  polish: cleanSchema,
  calibrate: calibrateSchema,
  sensitivity: sensitivitySchema,
  quantize: quantizeSchema,
  dynamic: quantizeSchema,
  weights: quantizeSchema,
  half: halfSchema,
} as const;

export type Operation = keyof typeof OPERATIONS;
export type AnswerOf<K extends Operation> = z.infer<(typeof OPERATIONS)[K]>;
export type Layer = z.infer<typeof layerSchema>;
