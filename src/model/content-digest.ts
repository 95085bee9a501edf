import type { BundleManifest } from '../contract/bundle.ts';
import { sha256Of } from '../platform/digest.ts';

/**
 * sha256 over what a bundle does, whatever is said about it: graphs, head, labels, input, thresholds. Name,
 * version, lineage and everything that was measured are left out, since a latency is never the same twice:
 * two runs of a tool that does the same each time give bundles of one content digest, even where their
 * digests differ.
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

/** The same value with the keys of every object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)]),
  );
}
