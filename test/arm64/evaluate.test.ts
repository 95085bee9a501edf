import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { probeInt8Arithmetic } from '../../src/device/inference/int8-probe.ts';
import { differenceOf, readResults } from '../support/same-detections.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { writeSingleVariant } from '../support/single-variant.ts';
import { goshawkHere, goshawkOnArm64 } from './machine.ts';
import { ARM64, describeWith } from '../support/needs.ts';

const STREET = shippedBundle();
const PICTURES = '3';

/** Detections below this score may be missing on one side: the evaluation's threshold is 0.01. */
const FLOOR = 0.02;

describeWith(ARM64, 'goshawk evaluate on arm64', () => {
  let folder = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-arm64-'));
    await goshawkHere(
      ...['simulate', '--out', join(folder, 'scenes'), '--count', PICTURES, '--seed', '5', '--workers', '1'],
    );
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const evaluation = (bundle: string, preprocess: string, results: string): string[] => [
    ...['evaluate', '--bundle', bundle, '--annotations', join(folder, 'scenes/annotations.json')],
    ...['--images', join(folder, 'scenes/images'), '--resamples', '0', '--threads', '1'],
    ...['--preprocess', preprocess, '--detections', results],
  ];

  // Tolerances: int8 sums are exact on both, so only float rounding around them differs; float kernels add in another
  // order.
  it.each([
    { variant: 'int8', preprocess: 'sharp', score: 1e-4, edge: 0.01 },
    { variant: 'fp32', preprocess: 'graph', score: 1e-4, edge: 0.01 },
  ])(
    'finds what this machine finds, $variant by $preprocess',
    async ({ variant, preprocess, score, edge }) => {
      // an x86-64 CPU without VNNI is not exact in int8, so another variant is compared there
      const common = variant === 'int8' && (await probeInt8Arithmetic()) === 'saturating' ? 'fp32' : variant;
      const bundle = writeSingleVariant(STREET, common, join(folder, `${variant}-bundle`));
      const [here, there] = [join(folder, `${variant}-here.json`), join(folder, `${variant}-arm64.json`)];

      await Promise.all([
        goshawkHere(...evaluation(bundle, preprocess, here)),
        goshawkOnArm64(...evaluation(bundle, preprocess, there)),
      ]);

      const results = readResults(there);
      expect(results.filter((each) => each.score > 0.5).length).toBeGreaterThan(6);
      const difference = differenceOf(readResults(here), results, FLOOR);
      expect(difference.unmatched).toBe(0);
      expect(difference.score).toBeLessThan(score);
      expect(difference.edge).toBeLessThan(edge);
    },
  );
});
