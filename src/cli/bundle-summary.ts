import type { BundleManifest } from '../contract/bundle.ts';
import type { Bundle } from '../model/bundle.ts';

/** A bundle in one line. */
export function summary({ manifest, digest }: Bundle): string {
  const { name, version, head, input, labels, evaluation } = manifest;
  const accuracy = evaluation?.[0] === undefined ? '' : `, AP ${evaluation[0].ap.toFixed(3)}`;
  const size = `${input.width}x${input.height}`;
  return (
    `${name}@${version}  ${head} ${size}, ${labels.length} classes, ` +
    `${variants(manifest)}${accuracy}  ${digest.slice(0, 12)}`
  );
}

function variants(manifest: BundleManifest): string {
  return manifest.variants.map(({ id, bytes }) => `${id} ${(bytes / 1e6).toFixed(2)} MB`).join(' + ');
}
