import { z } from 'zod';
import { DRIFT_STATES } from '../core/drift/window-verdict.ts';
import { nameSchema } from './names.ts';
import { quantity } from './quantities.ts';

/** Whether what a camera shows changed against its reference. It says nothing about how well the model sees. */
export const driftVerdictSchema = z.object({
  /** when its newest observation was made: the newest of several windows counts */
  at: z.iso.datetime({ precision: 3 }),
  state: z.enum(DRIFT_STATES),
  /** evidence over what an alarm needs: from 1 on it is an alarm */
  evidence: quantity('evidence'),
  /** when the evidence was last near 0; null if nothing speaks for drift */
  since: z.iso.datetime({ precision: 3 }).nullable(),
  /** the declared-good context that it is compared with */
  context: z.string().max(64),
  /** those that speak most for drift; none while the state is `ok` */
  features: z
    .array(
      z.object({
        feature: nameSchema,
        /** in the evidence, 0..1 */
        share: quantity('ratio'),
        /** means of the newest observations and of the context, in the feature's unit */
        now: quantity('feature'),
        reference: quantity('feature'),
        /** their difference in standard deviations of the context */
        sigmas: quantity('sigmas'),
        /** first Wasserstein distance in standard deviations of the context */
        wasserstein: quantity('distance'),
        /** population stability index */
        psi: quantity('stability'),
      }),
    )
    .max(8),
  /** null while the state is `ok`; readers accept causes that they do not know */
  cause: z
    .object({ name: nameSchema, words: z.string().max(200), evidence: z.array(z.string().max(200)).max(8) })
    .nullable(),
});
