import { z } from 'zod';
import { sha256Schema } from './lineage.ts';
import { machineKindSchema } from './machine.ts';

/** Name of the file of references in a bundle. */
export const REFERENCES_FILE = 'references.json';

/** Maximum size of the file, bytes. */
export const MAX_REFERENCE_BYTES = 200_000;

/**
 * What the network is given. `sha256` covers the pixels as they reach the network: uint8 RGB at its input
 * size.
 */
const referenceInputSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    /** squares of random colors, the same on every machine */
    kind: z.literal('noise'),
    seed: z.int().nonnegative(),
    /** side of a square, pixels */
    block: z.int().min(1).max(256),
    sha256: sha256Schema,
  }),
  z.strictObject({
    /**
     * a stored image: each pixel becomes `enlarge` x `enlarge` pixels, cropped to the input size of the
     * network
     */
    kind: z.literal('picture'),
    enlarge: z.int().min(1).max(16),
    /** a PNG file in base64 */
    data: z.base64().max(MAX_REFERENCE_BYTES),
    sha256: sha256Schema,
  }),
]);

/** The best candidates of one input before suppression, best first. Boxes are in network pixels. */
const referenceOutputSchema = z.strictObject({
  /** index of each candidate in the output: its row, or its column for channels-first heads */
  places: z.array(z.int().nonnegative()).max(1000),
  classes: z.array(z.int().nonnegative().max(65_535)).max(1000),
  /** 0..1 */
  scores: z.array(z.number()).max(1000),
  /** x1, y1, x2, y2 of each candidate */
  boxes: z.array(z.number()).max(4000),
});

/** What one variant returned when it was made and evaluated. */
const variantReferenceSchema = z.strictObject({
  id: z.string().max(60),
  /** of the variant's file; references for any other file do not count */
  sha256: sha256Schema,
  /** largest deviation (`src/core/references/deviation.ts`) that still counts as the same */
  tolerance: z.number().positive(),
  madeOn: z.strictObject({ machine: machineKindSchema, onnxruntime: z.string().max(100) }),
  /** one per input, in order */
  outputs: z.array(referenceOutputSchema).max(32),
});

/** `references.json`: small inputs, and what every variant of the bundle must return for them. */
export const referencesSchema = z.strictObject({
  schema: z.literal('goshawk.references/1'),
  inputs: z.array(referenceInputSchema).min(1).max(32),
  variants: z.array(variantReferenceSchema).min(1).max(50),
});

export type References = z.infer<typeof referencesSchema>;
export type ReferenceInput = z.infer<typeof referenceInputSchema>;
export type VariantReference = z.infer<typeof variantReferenceSchema>;
