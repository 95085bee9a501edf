import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeInt8Arithmetic } from '../../src/device/inference/int8-probe.ts';
import { differenceOf, readResults, type Difference } from '../support/same-detections.ts';
import { writeSingleVariant } from '../support/single-variant.ts';

const ROOT = join(import.meta.dirname, '../..');
const STREET = join(ROOT, 'models/goshawk-street/3.0.0');
const CLI = [process.execPath, join(ROOT, 'dist/cli.js')] as const;

/** Detections of a lower score may be missing on one side: the threshold of the evaluation is 0.01. */
const FLOOR = 0.02;

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

  /** What one variant gives on this CPU, and on one without VNNI. */
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

  it('gives in float what any other CPU gives, within rounding', () => {
    const { unmatched, score, edge } = compare('fp32');

    expect(unmatched).toBe(0);
    expect(score).toBeLessThan(1e-4);
    expect(edge).toBeLessThan(0.01);
  });

  it('gives something else in int8 than an exact CPU: weights of 8 bits saturate', async () => {
    const { unmatched, score } = compare('int8');

    // on a CPU that saturates by itself there is nothing to tell apart
    const apart = (await probeInt8Arithmetic()) === 'exact';
    expect(unmatched > 0).toBe(apart);
    expect(score > 0.02).toBe(apart);
  });
});
