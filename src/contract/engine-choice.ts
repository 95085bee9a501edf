import { PROVIDERS } from './providers.ts';
import { quantity } from './quantities.ts';
import { z } from 'zod';

/**
 * The result of comparing a variant with its references on the machine that is to run it. `scores` and
 * `boxes` are the deviations of `src/core/references/deviation.ts`; they are null if nothing was compared, or
 * if the outputs are not numbers.
 */
export const referenceCheckSchema = z.strictObject({
  /** `unchecked`: there is nothing to compare it with */
  verdict: z.enum(['passed', 'refused', 'unchecked']),
  scores: quantity('deviation').nullable(),
  boxes: quantity('deviation').nullable(),
  tolerance: quantity('deviation').positive().nullable(),
  /** number of inputs that were run */
  inputs: quantity('inputs'),
  /** in words */
  reason: z.string().max(2000),
});

/** One way to run a bundle on this machine. */
const engineCandidateSchema = z.strictObject({
  variant: z.string(),
  provider: z.enum(PROVIDERS),
  /**
   * ONNX Runtime's exact 8-bit kernels, for x86 CPUs whose default kernels saturate
   * (`session.x64quantprecision`)
   */
  exactInt8: z.boolean(),
  /** median for one image, milliseconds; null if not measured */
  latencyMs: z.number().nonnegative().nullable(),
  check: referenceCheckSchema,
});

/** Which variant of a bundle runs, and why. */
export const variantChoiceSchema = z.strictObject({
  /**
   * `asked`: requested by its id. `only`: there is no other. `measured`: measured now. `kept`: measured
   * earlier on this machine. `busy`: the machine was too busy for a conclusive measurement, so the order of
   * the manifest applies. `order`: nothing was measured, so the order of the manifest applies.
   */
  how: z.enum(['asked', 'only', 'measured', 'kept', 'busy', 'order']),
  /** in words */
  why: z.string().max(2000),
  /** what was tried or measured, best first, refused ones last */
  candidates: z.array(engineCandidateSchema).max(100),
  /** lines for the log: measurements that could not be stored or read */
  notes: z.array(z.string()).max(20),
});

export type ReferenceCheck = z.infer<typeof referenceCheckSchema>;
export type EngineCandidate = z.infer<typeof engineCandidateSchema>;
export type VariantChoice = z.infer<typeof variantChoiceSchema>;

/** The check of a variant that was not compared with anything. @param reason in words */
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
