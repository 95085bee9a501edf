import { z } from 'zod';
import { sha256Schema } from './lineage.ts';

/**
 * Machines by how their CPU multiplies 8-bit integers. Latency and exactness of a quantized graph depend on
 * it:
 * - `x64-vnni`: AVX512-VNNI, AVX-VNNI or AMX: fast, and sums that cannot overflow.
 * - `x64-avx512`, `x64-avx2`, `x64`: sums of two products in 16 bits, which saturate.
 * - `arm64-dotprod`, `arm64`: exact, with and without the dot product instructions.
 */
export const MACHINE_KINDS = [
  'x64-vnni',
  'x64-avx512',
  'x64-avx2',
  'x64',
  'arm64-dotprod',
  'arm64',
  'other',
] as const;

export const machineKindSchema = z.enum(MACHINE_KINDS);

export type MachineKind = z.infer<typeof machineKindSchema>;

/**
 * How the inference library multiplies uint8 by int8: exactly as the graph specifies, or with sums that
 * saturate at 16 bits.
 */
export const INT8_ARITHMETICS = ['exact', 'saturating'] as const;

export type Int8Arithmetic = (typeof INT8_ARITHMETICS)[number];

/**
 * Everything apart from the graph that its results and latency depend on. If the fingerprint changes, the
 * graph has to be checked and measured again.
 */
export const machineFactsSchema = z.strictObject({
  kind: machineKindSchema,
  /** as a probe of the inference library found it */
  int8: z.enum(INT8_ARITHMETICS),
  /** such as `x64` */
  arch: z.string().max(40),
  cpu: z.string().max(200),
  /** sha256 of the CPU's feature flags in alphabetical order */
  flags: sha256Schema,
  /** cores that this process may use: its affinity mask, or the quota of its control group if that is less */
  cores: z.number().positive(),
  onnxruntime: z.string().max(100),
  /** null if absent, as are the next two */
  tensorrt: z.string().max(40).nullable(),
  computeCapability: z.string().max(40).nullable(),
  /** version of the GPU's kernel driver */
  driver: z.string().max(200).nullable(),
});

export const machineFingerprintSchema = machineFactsSchema.extend({
  /** sha256 over all the other fields */
  digest: sha256Schema,
});

export type MachineFacts = z.infer<typeof machineFactsSchema>;
export type MachineFingerprint = z.infer<typeof machineFingerprintSchema>;
