import { z } from 'zod';
import {
  describeCandidate,
  describeCheck,
  describeChecked,
  referenceCheckSchema,
  type EngineCandidate,
  type VariantChoice,
} from '../../contract/engine-choice.ts';
import { describeError } from '../../contract/errors.ts';
import { PROVIDER_TABLE, type ProviderName } from '../../contract/providers.ts';
import { debugLog } from '../../platform/debug.ts';
import type { MeasurementCache, MeasurementKey } from '../machine/measurement-cache.ts';
import type { HandleFactory } from './runner-handle.ts';
import type { EnginePlan } from './plan.ts';
import type { ModelRequest } from './runner-messages.ts';
import type { ProviderCandidate, ProviderChoice } from './providers.ts';
import { rankVariants } from './rank-variants.ts';
import { tryVariants } from './try-variants.ts';

export interface PlanRequest {
  readonly choice: ProviderChoice;
  /** true if the operator named the variant */
  readonly isAsked: boolean;
  readonly strict: boolean;
  readonly requestFor: (candidate: ProviderCandidate, referenceBudgetMs: number) => ModelRequest;
  readonly createHandle: HandleFactory;
  readonly cache: MeasurementCache;
  readonly bundleDigest: string;
  /** `MachineFingerprint.digest` */
  readonly fingerprint: string;
  readonly startTimeoutMs: (provider: ProviderName) => number;
}

const debug = debugLog('inference');

/**
 * Time limit of running reference inputs, milliseconds: for a variant that is new here, and for one that passed here
 * before.
 */
const FIRST_CHECK_MS = 300;
export const KEPT_CHECK_MS = 50;

const TIMING_BUDGET_MS = 200;

const keptSchema = z.strictObject({
  why: z.string().max(2000),
  candidates: z
    .array(
      z.strictObject({
        variant: z.string(),
        exactInt8: z.boolean(),
        latencyMs: z.number().nonnegative().nullable(),
        check: referenceCheckSchema,
      }),
    )
    .min(1)
    .max(100),
});

type Kept = z.infer<typeof keptSchema>;

/**
 * Decides which variant of a bundle is tried first: among those for the best provider, the fastest one that passes its
 * reference check here. The measurement is stored for this bundle and machine, and used until either changes.
 */
export async function planVariants(request: PlanRequest): Promise<EnginePlan> {
  const { choice } = request;
  const [first] = choice.candidates;
  const group = first === undefined ? [] : trialGroup(choice.candidates, first.provider);
  if (first === undefined) return unmeasured(request, 'order', 'no provider here can run it');
  if (request.isAsked) return unmeasured(request, 'asked', `${first.variant.id} was requested`);
  if (group.filter(({ onlyAfterRefusal }) => !onlyAfterRefusal).length < 2) {
    const others = choice.candidates.some(
      ({ provider, variant }) => provider === first.provider && variant !== first.variant,
    );
    return others
      ? unmeasured(
          request,
          'order',
          `variants are not measured on ${first.provider}: the order of the manifest applies`,
        )
      : unmeasured(request, 'only', `it is the only variant for ${first.provider}`);
  }
  const key = keyOf(request, first, group);
  const kept = await request.cache.read(key, keptSchema);
  const found = kept === null ? null : fromKept(kept, group, first.provider);
  if (kept !== null && found !== null) {
    return planOf(request, group, found.order, KEPT_CHECK_MS, {
      how: 'kept',
      why: `measured before on this machine: ${kept.why}`,
      candidates: found.candidates,
      notes: [],
    });
  }
  return measure(request, group, key);
}

/** What is worth trying: of a provider that builds an engine for any other graph, only prebuilt ones. */
function trialGroup(candidates: readonly ProviderCandidate[], provider: ProviderName): ProviderCandidate[] {
  const own = candidates.filter((candidate) => candidate.provider === provider);
  const { buildsEngine } = PROVIDER_TABLE[provider];
  return buildsEngine === undefined ? own : own.filter(({ variant }) => variant.engine !== undefined);
}

function keyOf(
  { requestFor, bundleDigest, fingerprint }: PlanRequest,
  first: ProviderCandidate,
  group: readonly ProviderCandidate[],
): MeasurementKey {
  const { threads } = requestFor(first, 0);
  return {
    what: 'variants',
    bundleDigest,
    fingerprint,
    provider: first.provider,
    threads,
    candidates: group.map(describe).join(', '),
  };
}

const describe = ({ variant, provider, exactInt8 }: ProviderCandidate): string =>
  describeCandidate({ variant: variant.id, provider, exactInt8 });

async function measure(
  request: PlanRequest,
  group: readonly ProviderCandidate[],
  key: MeasurementKey,
): Promise<EnginePlan> {
  const provider = group[0]!.provider;
  const trial = {
    candidates: group.map((candidate) => ({
      model: request.requestFor(candidate, FIRST_CHECK_MS / group.length),
      onlyAfterRefusal: candidate.onlyAfterRefusal,
    })),
    loadBudgetMs: PROVIDER_TABLE[provider].loadBudgetMs,
    timingBudgetMs: TIMING_BUDGET_MS,
  };
  let ranking;
  try {
    const results = await tryVariants(request.createHandle, trial, request.startTimeoutMs(provider));
    ranking = rankVariants(group, results);
  } catch (error) {
    return unmeasured(request, 'order', `variants could not be measured: ${describeError(error)}`);
  }
  const { order, how, why, candidates } = ranking;
  if (how === 'measured') {
    const value: Kept = {
      why,
      candidates: candidates.map(({ variant, exactInt8, latencyMs, check }) => ({
        variant,
        exactInt8,
        latencyMs,
        check,
      })),
    };
    await request.cache.write(key, value);
  }
  return planOf(request, group, order, FIRST_CHECK_MS, { how, why, candidates: [...candidates], notes: [] });
}

/** Candidates in the stored order; null if they are not the present ones. */
function fromKept(
  kept: Kept,
  group: readonly ProviderCandidate[],
  provider: ProviderName,
): { order: ProviderCandidate[]; candidates: EngineCandidate[] } | null {
  const order: ProviderCandidate[] = [];
  for (const { variant, exactInt8, check } of kept.candidates) {
    const found = group.find(
      (candidate) => candidate.variant.id === variant && candidate.exactInt8 === exactInt8,
    );
    if (found === undefined) return null;
    if (check.verdict !== 'refused') order.push({ ...found, onlyAfterRefusal: false });
  }
  return { order, candidates: kept.candidates.map((entry) => ({ ...entry, provider })) };
}

const latencyText = ({ latencyMs }: EngineCandidate): string =>
  latencyMs === null ? 'not timed' : `${latencyMs.toFixed(2)} ms`;

function planOf(
  request: PlanRequest,
  group: readonly ProviderCandidate[],
  order: readonly ProviderCandidate[],
  checkMs: number,
  choice: VariantChoice,
): EnginePlan {
  debug(() => `variants (${choice.how}): ${choice.why}; order ${order.map(describe).join(', ')}`);
  for (const entry of choice.candidates)
    debug(() => `candidate ${describeChecked(entry)}, ${latencyText(entry)}`);
  const refused = choice.candidates.filter(({ check }) => check.verdict === 'refused');
  const mismatches = refused.map(describeChecked);
  const usable = new Set(order.map(({ variant }) => variant.id));
  const isHopeless = refused.some(({ variant }) => !usable.has(variant));
  const rest = request.choice.candidates.filter((candidate) => !group.includes(candidate));
  return {
    ...request.choice,
    candidates: request.strict && isHopeless ? [] : [...order, ...rest],
    refusals: [
      ...request.choice.refusals,
      ...refused.map((entry) => ({
        provider: entry.provider,
        reason: `${entry.variant}: ${describeCheck(entry.check)}`,
      })),
    ],
    requestFor: (candidate) => request.requestFor(candidate, checkMs),
    choice,
    mismatches,
  };
}

function unmeasured(request: PlanRequest, how: VariantChoice['how'], why: string): EnginePlan {
  const choice = { how, why, candidates: [], notes: [] };
  return {
    ...request.choice,
    requestFor: (candidate) => request.requestFor(candidate, FIRST_CHECK_MS),
    choice,
    mismatches: [],
  };
}
