import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { BundleVariant } from '../../contract/bundle.ts';
import type { Int8Arithmetic, MachineKind } from '../../contract/machine.ts';
import { PROVIDER_TABLE, PROVIDERS, type ProviderName } from '../../contract/providers.ts';
import type { ProviderRefusal } from './engine.ts';
import { describeEngine, describeEngineHost, engineFits, type EngineHost } from './engine-compat.ts';
import { listBackends } from './session.ts';

/** Whether the inference library can use a provider here, and if not, why. */
export interface ProviderSupport {
  readonly provider: ProviderName;
  readonly available: boolean;
  /** empty if it is available */
  readonly reason: string;
}

/** Facts about the installed inference library. */
export interface BindingFacts {
  readonly backends: readonly { readonly name: string; readonly bundled: boolean }[];
  /** names of the shared libraries next to the binding */
  readonly libraries: readonly string[];
}

/**
 * A provider is available if the binding was built with it and its library is next to the binding: the npm package
 * lists CUDA and TensorRT on Linux, but their libraries are a separate download. Pure.
 */
export function supportFrom(facts: BindingFacts): ProviderSupport[] {
  return PROVIDERS.map((provider) => {
    const backend = facts.backends.find(({ name }) => name === provider);
    if (backend === undefined) {
      return { provider, available: false, reason: 'ONNX Runtime was built without it' };
    }
    const present =
      backend.bundled || facts.libraries.some((file) => file.includes(`onnxruntime_providers_${provider}.`));
    const reason = present ? '' : `libonnxruntime_providers_${provider} is not installed`;
    return { provider, available: present, reason };
  });
}

/** Execution providers of the installed inference library, best first, with the reason if one cannot be used. */
export function listSupportedProviders(): ProviderSupport[] {
  const require = createRequire(import.meta.url);
  const home = dirname(dirname(require.resolve('onnxruntime-node')));
  let libraries: string[] = [];
  try {
    libraries = readdirSync(join(home, 'bin', 'napi-v6', process.platform, process.arch));
  } catch {
    // the package has no folder for this platform: only what is linked into the binding counts
  }
  return supportFrom({ backends: listBackends(), libraries });
}

/** Execution providers that can be used here, best first. */
export function listUsableProviders(): ProviderName[] {
  return listSupportedProviders()
    .filter(({ available }) => available)
    .map(({ provider }) => provider);
}

export interface ProviderRequest {
  /** best first */
  readonly preferred: readonly ProviderName[];
  readonly supported: readonly ProviderSupport[];
  readonly variants: readonly BundleVariant[];
  /** only the first preferred provider will do */
  readonly strict: boolean;
  /** id of a variant; `null` chooses among those meant for the provider */
  readonly variant: string | null;
  /** what a prebuilt engine would find here; read from the machine only if a variant has one */
  readonly host: EngineHost;
  /** kind of this machine, and how its CPU provider multiplies 8-bit values */
  readonly machine: MachineKind;
  readonly int8: Int8Arithmetic;
}

export interface ProviderCandidate {
  readonly provider: ProviderName;
  /** less preferred providers that can be used here, for graph nodes that this one does not take */
  readonly fallbacks: readonly ProviderName[];
  readonly variant: BundleVariant;
  /** the inference library's exact 8-bit kernels, on CPUs whose standard ones saturate */
  readonly exactInt8: boolean;
  /** true: needed only if the same variant without these kernels fails its reference check */
  readonly onlyAfterRefusal: boolean;
}

/** A variant whose engine was built for another machine. */
export interface ForeignEngine {
  readonly variant: string;
  readonly built: string;
  readonly found: string;
}

export interface ProviderChoice {
  /** to be tried in this order; empty if nothing can run */
  readonly candidates: readonly ProviderCandidate[];
  readonly refusals: readonly ProviderRefusal[];
  /** the first engine that does not fit here; the cause if nothing is left to try */
  readonly foreignEngine: ForeignEngine | null;
}

/** The ways to run a variant: one, except for 8-bit graphs on a CPU whose products saturate. */
function waysToRun(
  variant: BundleVariant,
  base: Pick<ProviderCandidate, 'provider' | 'fallbacks'>,
  int8: Int8Arithmetic,
): ProviderCandidate[] {
  const plain = { ...base, variant, exactInt8: false, onlyAfterRefusal: false };
  const isQuantized = variant.precision === 'int8' || variant.precision === 'mixed';
  if (!PROVIDER_TABLE[base.provider].hasExactInt8 || int8 === 'exact' || !isQuantized) return [plain];
  if (variant.requires?.int8 === 'exact') return [{ ...plain, exactInt8: true }];
  return [plain, { ...plain, exactInt8: true, onlyAfterRefusal: true }];
}

/**
 * Milliseconds that the manifest lists for this kind of machine; unknown for kernels that its author did not measure.
 */
function knownLatency({ variant, exactInt8 }: ProviderCandidate, machine: MachineKind): number | null {
  if (exactInt8) return null;
  return variant.latencies?.find((entry) => entry.machine === machine)?.p50 ?? null;
}

/**
 * First the variants by their listed times for this kind of machine, then those without times in manifest order, and
 * last the exact kernels, which are slow. Stable.
 */
function inSafeOrder(ways: readonly ProviderCandidate[], machine: MachineKind): ProviderCandidate[] {
  const rank = (way: ProviderCandidate): number =>
    way.exactInt8 ? 2 : knownLatency(way, machine) === null ? 1 : 0;
  return [...ways].sort((a, b) => {
    const byRank = rank(a) - rank(b);
    return byRank === 0 ? (knownLatency(a, machine) ?? 0) - (knownLatency(b, machine) ?? 0) : byRank;
  });
}

/**
 * Matches the preference with what is installed and what the bundle offers: all ways to run it, in the order in which
 * to try them unmeasured. Pure.
 */
export function chooseProvider(request: ProviderRequest): ProviderChoice {
  const { supported, strict, variant } = request;
  const offered = request.variants.filter(({ id }) => variant === null || id === variant);
  const candidates: ProviderCandidate[] = [];
  const refusals: ProviderRefusal[] = [];
  let foreignEngine: ForeignEngine | null = null;
  for (const provider of strict ? request.preferred.slice(0, 1) : request.preferred) {
    const meant = offered.filter(({ providers }) => providers.includes(provider));
    const foreign = meant.find((entry) => !fitsHere(entry, request.host));
    if (foreign?.engine !== undefined) {
      const [built, found] = [describeEngine(foreign.engine), describeEngineHost(request.host)];
      foreignEngine ??= { variant: foreign.id, built, found };
    }
    const support = supported.find((entry) => entry.provider === provider);
    if (support?.available !== true) {
      refusals.push({ provider, reason: support?.reason ?? 'unknown to ONNX Runtime' });
      continue;
    }
    const matches = meant.filter((entry) => fitsHere(entry, request.host));
    if (matches.length > 0) {
      const after = request.preferred.slice(request.preferred.indexOf(provider) + 1);
      const fallbacks = after.filter((name) => isAvailable(name, supported));
      const ways = matches.flatMap((match) => waysToRun(match, { provider, fallbacks }, request.int8));
      candidates.push(...inSafeOrder(ways, request.machine));
    } else refusals.push({ provider, reason: whyNone(offered, foreignEngine, variant) });
  }
  return { candidates, refusals, foreignEngine };
}

function isAvailable(provider: ProviderName, supported: readonly ProviderSupport[]): boolean {
  return supported.some((entry) => entry.provider === provider && entry.available);
}

function fitsHere({ engine }: BundleVariant, host: EngineHost): boolean {
  return engine === undefined || engineFits(engine, host);
}

function whyNone(
  offered: readonly BundleVariant[],
  foreign: ForeignEngine | null,
  variant: string | null,
): string {
  if (offered.length === 0) return `the bundle has no variant ${variant ?? ''}`;
  if (foreign !== null) return `the engine was built for ${foreign.built}, this machine has ${foreign.found}`;
  return 'no variant of the bundle is meant for it';
}

/** `tensorrt: reason; cuda: reason`, for messages. */
export function describeRefusals(refusals: readonly ProviderRefusal[]): string {
  return refusals.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ');
}
