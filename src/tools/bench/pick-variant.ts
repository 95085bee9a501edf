import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleVariant } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { Int8Arithmetic } from '../../contract/machine.ts';
import { claimsOf, nameOf, type Bundle } from '../../device/bundles/bundle.ts';
import { measureLatencies, type LatencyOptions } from '../optimize/latency.ts';

/** One that is earlier in the manifest is taken although another is so much faster: measuring twice must not give two answers. */
const AS_FAST = 1.04;

/** Variants that compute on the CPU provider of a machine with this arithmetic what they were evaluated with, in the manifest's order. */
export function cpuVariants(
  { manifest: { variants } }: Bundle,
  arithmetic: Int8Arithmetic,
): readonly BundleVariant[] {
  return variants.filter(
    ({ providers, requires }) =>
      providers.includes('cpu') && (requires === undefined || arithmetic === 'exact'),
  );
}

/** The first that is as fast as the fastest. @param milliseconds of each, at least one */
export function pickFastest<T extends { readonly milliseconds: number }>(timed: readonly T[]): T {
  const fastest = Math.min(...timed.map(({ milliseconds }) => milliseconds));
  const picked = timed.find(({ milliseconds }) => milliseconds <= AS_FAST * fastest);
  if (picked === undefined) throw new Error('there is nothing to pick from');
  return picked;
}

/** A variant that was measured to choose between them. */
export interface TimedVariant {
  readonly variant: BundleVariant;
  readonly milliseconds: number;
}

/**
 * The variant that the runtime takes on the CPU provider here: the fastest, as measured now, of those that compute what they were evaluated with.
 * Throws GOSHAWK_USAGE where there is none.
 */
export async function pickVariant(
  bundle: Bundle,
  arithmetic: Int8Arithmetic,
  options: Omit<LatencyOptions, 'claims'>,
): Promise<{ readonly variant: BundleVariant; readonly timed: readonly TimedVariant[] }> {
  const variants = cpuVariants(bundle, arithmetic);
  const [only] = variants;
  if (only === undefined) {
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${nameOf(bundle)} has no variant that the CPU provider computes correctly here`,
    });
  }
  if (variants.length === 1) return { variant: only, timed: [] };
  const graphs = await Promise.all(variants.map(({ file }) => readFile(join(bundle.folder, file))));
  const latencies = await measureLatencies(graphs, { claims: claimsOf(bundle.manifest), ...options });
  const timed = variants.map((variant, i) => ({ variant, milliseconds: latencies[i]!.p50 }));
  return { variant: pickFastest(timed).variant, timed };
}
