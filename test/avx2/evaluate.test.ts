import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleManifestSchema, type BundleManifest } from '../../src/contract/bundle.ts';
import { differenceOf, readResults, type Difference } from '../support/same-detections.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { writeSingleVariant } from '../support/single-variant.ts';

const ROOT = join(import.meta.dirname, '../..');
const STREET = shippedBundle();
const CLI = [process.execPath, join(ROOT, 'dist/cli.js')] as const;

/** Detections below this score may be missing on one side: the evaluation's threshold is 0.01. */
const FLOOR = 0.02;

function loadManifest(): BundleManifest {
  return bundleManifestSchema.parse(JSON.parse(readFileSync(join(STREET, 'bundle.json'), 'utf8')));
}

describe('goshawk evaluate on a CPU without VNNI', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-avx2-'));
    const [node, cli] = CLI;
    execFileSync(node, [cli, 'simulate', '--out', join(folder, 'scenes'), '--count', '8', '--seed', '5']);
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Compares the results of one variant on this CPU and on one without VNNI. */
  function compare(variant: string): Difference {
    const bundle = writeSingleVariant(STREET, variant, join(folder, variant));
    const [here, there] = ['here', 'avx2'].map((machine) => join(folder, `${variant}-${machine}.json`));
    const evaluation = (results: string): string[] => [
      ...CLI,
      ...['evaluate', '--bundle', bundle, '--annotations', join(folder, 'scenes/annotations.json')],
      ...['--images', join(folder, 'scenes/images'), '--resamples', '0', '--detections', results],
    ];
    const [node, ...args] = evaluation(here!);
    execFileSync(node!, args);
    execFileSync(join(ROOT, 'scripts/emulate/as-avx2'), evaluation(there!));
    return differenceOf(readResults(here!), readResults(there!), FLOOR);
  }

  // variants that require exact int8 are left to the reference check
  const anywhere = loadManifest().variants.filter(
    ({ providers, requires }) => providers.includes('cpu') && requires === undefined,
  );

  it.each(anywhere.map(({ file }) => basename(file, '.onnx')))(
    'returns what any other CPU returns, %s',
    (variant) => {
      const { unmatched, score, edge } = compare(variant);

      expect(unmatched).toBe(0);
      expect(score).toBeLessThan(1e-4);
      expect(edge).toBeLessThan(0.01);
    },
  );
});
