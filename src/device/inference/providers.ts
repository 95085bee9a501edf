import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PROVIDERS, type BundleVariant, type ProviderName } from '../../contract/bundle.ts';
import type { Int8Arithmetic, MachineKind } from '../../contract/machine.ts';
import type { ProviderRefusal } from './engine.ts';
import { describeEngine, describeEngineHost, engineFits, type EngineHost } from './engine-compat.ts';
import { listBackends } from './session.ts';

/** Whether the inference library can use a provider here, and why not. */
export interface ProviderSupport {
  readonly provider: ProviderName;
  readonly available: boolean;
  /** empty where it is available */
  readonly reason: string;
}

/** What is known about the inference library that is installed. */
export interface BindingFacts {
  readonly backends: readonly { readonly name: string; readonly bundled: boolean }[];
  /** names of the shared libraries beside the binding */
  readonly libraries: readonly string[];
}

/**
 * A provider is there when the binding was built with it and its library lies beside the binding: the npm
 * package names CUDA and TensorRT on Linux though their libraries are a separate download. Pure.
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

/** Execution providers of the inference library in use, best first, each with the reason where it cannot be used. */
export function listSupportedProviders(): ProviderSupport[] {
  const require = createRequire(import.meta.url);
  const home = dirname(dirname(require.resolve('onnxruntime-node')));
  let libraries: string[] = [];
  try {
    libraries = readdirSync(join(home, 'bin', 'napi-v6', process.platform, process.arch));
  } catch {
    // a package without a folder for this platform: then only what is linked into the binding counts
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
  /** only the first of the wish will do */
  readonly strict: boolean;
  /** a variant by its id; `null` leaves the choice among those that are meant for the provider */
  readonly variant: string | null;
  /** what a built engine would meet here; read from the machine only where a variant holds one */
  readonly host: EngineHost;
  /** kind of this machine, and what the CPU provider makes of 8-bit products */
  readonly machine: MachineKind;
  readonly int8: Int8Arithmetic;
}

export interface ProviderCandidate {
  readonly provider: ProviderName;
  /** what is wished for after it and can be used here: for the nodes of the graph that it does not take */
  readonly fallbacks: readonly ProviderName[];
  readonly variant: BundleVariant;
  /** the inference library's exact 8-bit kernels, on CPUs whose own saturate */
  readonly exactInt8: boolean;
  /** true: of use only where the same variant without these kernels does not give what it gave when it was evaluated */
  readonly onlyAfterRefusal: boolean;
}

/** A variant whose engine was built for another machine. */
export interface ForeignEngine {
  readonly variant: string;
  readonly built: string;
  readonly found: string;
}

export interface ProviderChoice {
  /** to be tried in this order; empty where nothing will do */
  readonly candidates: readonly ProviderCandidate[];
  readonly refusals: readonly ProviderRefusal[];
  /** the first engine that does not fit here; the cause where nothing is left to try */
  readonly foreignEngine: ForeignEngine | null;
}

/** The settings that a variant may be run with: one, but for 8-bit graphs on a CPU whose products saturate. */
function waysToRun(
  variant: BundleVariant,
  base: Pick<ProviderCandidate, 'provider' | 'fallbacks'>,
  int8: Int8Arithmetic,
): ProviderCandidate[] {
  const plain = { ...base, variant, exactInt8: false, onlyAfterRefusal: false };
  const isQuantized = variant.precision === 'int8' || variant.precision === 'mixed';
  if (base.provider !== 'cpu' || int8 === 'exact' || !isQuantized) return [plain];
  if (variant.requires?.int8 === 'exact') return [{ ...plain, exactInt8: true }];
  return [plain, { ...plain, exactInt8: true, onlyAfterRefusal: true }];
}

/**
 * Milliseconds that the manifest names for a machine of this kind; unknown for kernels that its maker did not
 * measure.
 */
function knownLatency({ variant, exactInt8 }: ProviderCandidate, machine: MachineKind): number | null {
  if (exactInt8) return null;
  return variant.latencies?.find((entry) => entry.machine === machine)?.p50 ?? null;
}

/**
 * What is fastest by the manifest's figures for this kind of machine comes first, then what it has no figures
 * for in its own order, and last the exact kernels, which are slow. Stable.
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
 * Meets the wish with what is installed and what the bundle offers: all ways to run it, in the order in which
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
      refusals.push({ provider, reason: support?.reason ?? 'not known to ONNX Runtime' });
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
  if (foreign !== null) return `the engine was built for ${foreign.built}, here is ${foreign.found}`;
  return 'no variant of the bundle is meant for it';
}

/** `tensorrt: reason; cuda: reason`, for messages. */
export function describeRefusals(refusals: readonly ProviderRefusal[]): string {
  return refusals.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ');
}
