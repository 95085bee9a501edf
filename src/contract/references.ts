import { z } from 'zod';
import { sha256Schema } from './lineage.ts';
import { machineKindSchema } from './machine.ts';

/** Name of the file of references in a bundle. */
export const REFERENCES_FILE = 'references.json';

/** Bytes that the file may have at most. */
export const MAX_REFERENCE_BYTES = 200_000;

/**
 * What goes into the network. `sha256` is over the pixels as the network gets them: uint8 RGB, rows of its
 * own size.
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
    /** a stored image: each of its pixels becomes `enlarge` x `enlarge` pixels, cut to the size of the network */
    kind: z.literal('picture'),
    enlarge: z.int().min(1).max(16),
    /** a PNG file in base64 */
    data: z.base64().max(MAX_REFERENCE_BYTES),
    sha256: sha256Schema,
  }),
]);

/** The best candidates of one input before suppression, best first. Boxes are in pixels of the network. */
const referenceOutputSchema = z.strictObject({
  /** place of each candidate in the output: its row, or its column for heads that put channels first */
  places: z.array(z.int().nonnegative()).max(1000),
  classes: z.array(z.int().nonnegative().max(65_535)).max(1000),
  /** 0..1 */
  scores: z.array(z.number()).max(1000),
  /** x1, y1, x2, y2 of each candidate */
  boxes: z.array(z.number()).max(4000),
});

/** What one variant gave when it was made and evaluated. */
const variantReferenceSchema = z.strictObject({
  id: z.string().max(60),
  /** of the variant's file: references for another file are none */
  sha256: sha256Schema,
  /** largest deviation (`src/core/references/deviation.ts`) that still counts as the same */
  tolerance: z.number().positive(),
  madeOn: z.strictObject({ machine: machineKindSchema, onnxruntime: z.string().max(100) }),
  /** one for each input, in order */
  outputs: z.array(referenceOutputSchema).max(32),
});

/** `references.json`: small inputs, and what every variant of the bundle has to give for them. */
export const referencesSchema = z.strictObject({
  schema: z.literal('goshawk.references/1'),
  inputs: z.array(referenceInputSchema).min(1).max(32),
  variants: z.array(variantReferenceSchema).min(1).max(50),
});

export type References = z.infer<typeof referencesSchema>;
export type ReferenceInput = z.infer<typeof referenceInputSchema>;
export type VariantReference = z.infer<typeof variantReferenceSchema>;
