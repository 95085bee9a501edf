import type { BundleManifest } from '../contract/bundle.ts';
import { sha256Of } from '../platform/digest.ts';

/**
 * sha256 over what a bundle computes: graphs, head, labels, input, thresholds. Name, version, lineage and all
 * measurements are excluded, because a latency is never the same twice. Two runs of a deterministic tool
 * yield bundles with the same content digest, even if their digests differ.
 */
export function contentDigest({ head, labels, input, thresholds, variants }: BundleManifest): string {
  const graphs = variants.map(({ id, sha256, precision, providers, batch, engine }) => ({
    id,
    sha256,
    precision,
    providers,
    batch,
    engine: engine ?? null,
  }));
  const content = JSON.stringify(sorted({ head, labels, input, thresholds, graphs }));
  return sha256Of(content);
}

/** The same value with the keys of every object sorted. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)]),
  );
}
