import { z } from 'zod';
import { PROVIDERS } from './bundle.ts';

/**
 * What came of holding a variant against its references, on the machine that is to run it. `scores` and
 * `boxes` are the deviations of `src/core/references/deviation.ts`; they are null where nothing was compared,
 * or where what came out is no number.
 */
export const referenceCheckSchema = z.strictObject({
  /** `unchecked`: there is nothing to hold it against */
  verdict: z.enum(['passed', 'refused', 'unchecked']),
  scores: z.number().nonnegative().nullable(),
  boxes: z.number().nonnegative().nullable(),
  tolerance: z.number().positive().nullable(),
  /** inputs that were run */
  inputs: z.int().nonnegative(),
  /** in words */
  reason: z.string().max(2000),
});

/** A way to run a bundle here. */
const engineCandidateSchema = z.strictObject({
  variant: z.string(),
  provider: z.enum(PROVIDERS),
  /** ONNX Runtime's exact 8-bit kernels for x86 CPUs whose own saturate (`session.x64quantprecision`) */
  exactInt8: z.boolean(),
  /** median of one image, milliseconds; null where it was not measured */
  latencyMs: z.number().nonnegative().nullable(),
  check: referenceCheckSchema,
});

/** Which of a bundle's variants runs, and why. */
export const variantChoiceSchema = z.strictObject({
  /**
   * `asked`: by its id. `only`: there is no other. `measured`: now. `kept`: measured before on this machine.
   * `busy`: measuring told nothing, so the order of the manifest holds. `order`: nothing was measured, so the
   * order of the manifest holds.
   */
  how: z.enum(['asked', 'only', 'measured', 'kept', 'busy', 'order']),
  /** in words */
  why: z.string().max(2000),
  /** what was tried or measured, best first; those that were refused are last */
  candidates: z.array(engineCandidateSchema).max(100),
  /** lines for the log: measurements that could not be kept or read */
  notes: z.array(z.string()).max(20),
});

export type ReferenceCheck = z.infer<typeof referenceCheckSchema>;
export type EngineCandidate = z.infer<typeof engineCandidateSchema>;
export type VariantChoice = z.infer<typeof variantChoiceSchema>;

/** Nothing was compared. @param reason in words */
export function unchecked(reason: string): ReferenceCheck {
  return { verdict: 'unchecked', scores: null, boxes: null, tolerance: null, inputs: 0, reason };
}

/** `deviation 0.2970 of scores, 0.0260 of boxes on 5 inputs, 0.12 is allowed`, or why nothing was compared. */
export function describeDeviation({ scores, boxes, tolerance, inputs, reason }: ReferenceCheck): string {
  if (scores === null || boxes === null || tolerance === null) return reason;
  return (
    `deviation ${scores.toFixed(4)} of scores, ${boxes.toFixed(4)} of boxes ` +
    `on ${inputs} inputs, ${tolerance} is allowed`
  );
}

/** The verdict and the deviation, for logs and diagnostics. */
export function describeCheck(check: ReferenceCheck): string {
  return `${check.verdict}: ${describeDeviation(check)}`;
}

/** `int8 on cpu: passed: deviation 0.0001 of scores, ..`. */
export function describeChecked(candidate: EngineCandidate): string {
  return `${describeCandidate(candidate)}: ${describeCheck(candidate.check)}`;
}

/** `int8 on cpu`, `int8 (exact kernels) on cpu`. */
export function describeCandidate({
  variant,
  provider,
  exactInt8,
}: Pick<EngineCandidate, 'variant' | 'provider' | 'exactInt8'>): string {
  return `${variant}${exactInt8 ? ' (exact kernels)' : ''} on ${provider}`;
}
