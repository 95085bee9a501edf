import { join } from 'node:path';
import { unchecked, type EngineCandidate } from '../../contract/engine-choice.ts';
import type { MachineFingerprint } from '../../contract/machine.ts';
import { PROVIDERS } from '../../contract/providers.ts';
import { claimsOf, type Bundle } from '../../model/bundle.ts';
import { MeasurementCache } from '../machine/measurement-cache.ts';
import { readReferences, type LoadedReferences } from '../references/read-references.ts';
import { readEngineHost, type EngineHost } from './engine-compat.ts';
import { handleFactory, startLimit, type EngineOptions } from './engine-options.ts';
import { machineFingerprint } from './machine-fingerprint.ts';
import type { EngineInfo } from './engine.ts';
import { KEPT_CHECK_MS, planVariants } from './plan-variants.ts';
import type { EnginePlan } from './plan.ts';
import type { ModelRequest, ReferenceTask } from './runner-messages.ts';
import {
  chooseProvider,
  describeRefusals,
  listSupportedProviders,
  type ProviderCandidate,
  type ProviderChoice,
} from './providers.ts';
import { rankVariants } from './rank-variants.ts';
import { tryVariants } from './try-variants.ts';

type RequestFor = (candidate: ProviderCandidate, referenceBudgetMs: number) => ModelRequest;

/** What could run a bundle here. */
interface Prepared {
  readonly machine: MachineFingerprint;
  /** the ways to run one variant, or all variants */
  readonly choiceOf: (variant: string | undefined) => ProviderChoice;
  readonly requestFor: RequestFor;
}

const NO_ENGINES: EngineHost = { tensorrt: null, computeCapability: null };

/** What a plan depends on besides its options. */
interface Facts {
  readonly machine: MachineFingerprint;
  readonly references: LoadedReferences | null;
  readonly host: EngineHost;
}

async function readFacts(bundle: Bundle): Promise<Facts> {
  const [machine, references] = await Promise.all([machineFingerprint(), readReferences(bundle)]);
  const hasEngines = bundle.manifest.variants.some(({ engine }) => engine !== undefined);
  return { machine, references, host: hasEngines ? readEngineHost() : NO_ENGINES };
}

/** Read once per loaded bundle: an engine that sizes itself plans again for each setting, even while frames arrive. */
const factsByBundle = new WeakMap<Bundle, Promise<Facts>>();

function factsOf(bundle: Bundle): Promise<Facts> {
  let facts = factsByBundle.get(bundle);
  if (facts === undefined) {
    facts = readFacts(bundle);
    factsByBundle.set(bundle, facts);
    facts.catch(() => factsByBundle.delete(bundle));
  }
  return facts;
}

async function prepare(options: EngineOptions): Promise<Prepared> {
  const { bundle } = options;
  const { manifest, folder } = bundle;
  const { machine, references, host } = await factsOf(bundle);
  const known = {
    preferred: options.preferred ?? PROVIDERS,
    supported: listSupportedProviders(),
    variants: manifest.variants,
    strict: options.strict ?? false,
    host,
    machine: machine.kind,
    int8: machine.int8,
  };
  const choiceOf = (variant: string | undefined): ProviderChoice =>
    chooseProvider({ ...known, variant: variant ?? null });
  const requestFor: RequestFor = ({ provider, fallbacks, variant, exactInt8 }, budgetMs) => ({
    ...claimsOf(manifest),
    file: join(folder, variant.file),
    sha256: variant.sha256,
    variant: variant.id,
    padValue: manifest.input.padValue,
    resize: manifest.input.resize,
    maxBatch: variant.batch.max,
    provider,
    fallbacks,
    threads: options.threads ?? 1,
    exactInt8,
    reference: referenceTask(references, variant.id, budgetMs),
    inputs: options.inputs ?? 'letterboxed',
  });
  return { machine, choiceOf, requestFor };
}

/** The outputs that a variant must reproduce here; bundles of older versions have none. */
function referenceTask(
  references: LoadedReferences | null,
  variant: string,
  budgetMs: number,
): ReferenceTask {
  if (references === null) return { kind: 'unchecked', why: 'the bundle has no references' };
  const own = references.variants.get(variant);
  if (own === undefined) return { kind: 'unchecked', why: `the bundle has no references for ${variant}` };
  return {
    kind: 'check',
    inputs: references.inputs,
    outputs: own.outputs,
    tolerance: own.tolerance,
    budgetMs,
  };
}

/** Decides what an engine runs, and measures it if that has not been done yet. Throws what `readReferences` throws. */
export async function planEngine(options: EngineOptions): Promise<EnginePlan> {
  const notes: string[] = [];
  const { machine, choiceOf, requestFor } = await prepare(options);
  const choice = choiceOf(options.variant);
  if (options.like !== undefined) return planLike(options.like, choice, requestFor);
  const plan = await planVariants({
    choice,
    isAsked: options.variant !== undefined,
    strict: options.strict ?? false,
    createHandle: handleFactory(options.kind),
    startTimeoutMs: (provider) => startLimit(provider, options),
    cache: options.cache ?? new MeasurementCache((line) => notes.push(line)),
    bundleDigest: options.bundle.digest,
    fingerprint: machine.digest,
    requestFor,
  });
  return { ...plan, choice: { ...plan.choice, notes } };
}

/** The plan of an engine that already runs. */
function planLike(like: EngineInfo, choice: ProviderChoice, requestFor: RequestFor): EnginePlan {
  const same = choice.candidates.filter(
    ({ provider, variant, exactInt8 }) =>
      provider === like.provider && variant.id === like.variant && exactInt8 === like.exactInt8,
  );
  return {
    ...choice,
    refusals: like.refusals,
    candidates: same.map((candidate) => ({ ...candidate, onlyAfterRefusal: false })),
    requestFor: (candidate) => requestFor(candidate, KEPT_CHECK_MS),
    choice: like.choice,
    mismatches: [],
  };
}

/** Time limit of a full check of every variant, while the user waits, milliseconds. */
const WHOLE_CHECK_MS = 5000;

/**
 * Runs every variant of a bundle once, on the best provider for it here, and compares it with its references. What
 * cannot run here is `unchecked`, with the reason. Variants whose 8-bit products saturate here are also tried with
 * exact kernels. Throws what `readReferences` throws.
 */
export async function checkReferences(
  options: Omit<EngineOptions, 'workers' | 'queueDepth'>,
): Promise<EngineCandidate[]> {
  const { bundle, variant: asked } = options;
  const { choiceOf, requestFor } = await prepare(options);
  const found: EngineCandidate[] = [];
  for (const { id, providers } of bundle.manifest.variants) {
    if (asked !== undefined && id !== asked) continue;
    const choice = choiceOf(id);
    const provider = choice.candidates[0]?.provider;
    const ways = choice.candidates.filter((candidate) => candidate.provider === provider);
    if (provider === undefined) {
      const reason = `it cannot run here: ${describeRefusals(choice.refusals)}`;
      const check = unchecked(reason);
      found.push({ variant: id, provider: providers[0]!, exactInt8: false, latencyMs: null, check });
      continue;
    }
    const candidates = ways.map((candidate) => ({
      model: requestFor(candidate, WHOLE_CHECK_MS),
      onlyAfterRefusal: candidate.onlyAfterRefusal,
    }));
    const limit = startLimit(provider, options);
    const budgets = { loadBudgetMs: limit, timingBudgetMs: 0 };
    const results = await tryVariants(handleFactory(options.kind), { candidates, ...budgets }, limit);
    found.push(...rankVariants(ways, results).candidates);
  }
  return found;
}

/** Variants for which no permitted way to run them passes the reference check. */
export function refusedVariants(checks: readonly EngineCandidate[]): string[] {
  const verdicts = (id: string): string[] =>
    checks.filter(({ variant }) => variant === id).map(({ check }) => check.verdict);
  const ids = [...new Set(checks.map(({ variant }) => variant))];
  return ids.filter((id) => verdicts(id).includes('refused') && !verdicts(id).includes('passed'));
}
