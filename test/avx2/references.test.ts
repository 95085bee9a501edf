import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';
import type { Bundle } from '../../src/device/bundles/bundle.ts';
import { compareVersions } from '../../src/device/bundles/versions.ts';
import { withReferences } from '../support/referenced-bundle.ts';

const ROOT = join(import.meta.dirname, '../..');
const VERSIONS = join(ROOT, 'models/goshawk-street');

/** `references, int8 on cpu: refused: deviation 0.5729 of scores, ...` */
const CHECKED = /references, (\S+)( \(exact kernels\))? on cpu: (\w+): deviation ([\d.]+) of scores/g;

describe('the reference check on a CPU without VNNI, of the shipped bundle', () => {
  let folder = '';
  let bundle: Bundle;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-avx2-'));
    const newest = readdirSync(VERSIONS).sort(compareVersions).at(-1)!;
    bundle = await withReferences(join(VERSIONS, newest), folder);
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const asAvx2 = (...args: readonly string[]): string =>
    execFileSync(
      join(ROOT, 'scripts/emulate/as-avx2'),
      [process.execPath, join(ROOT, 'dist/cli.js'), ...args],
      {
        encoding: 'utf8',
        env: { ...process.env, GOSHAWK_CACHE: join(folder, 'cache') },
      },
    );

  it('refuses int8 by its own kernels, with figures, and passes it by exact ones; all others pass', () => {
    const output = asAvx2('models', 'verify', bundle.folder);

    const checks = [...output.matchAll(CHECKED)].map(([, variant, exact, verdict, scores]) => ({
      variant: variant!,
      exact: exact !== undefined,
      verdict: verdict!,
      scores: Number(scores),
    }));
    const saturating = ({ variant, exact }: { variant: string; exact: boolean }) =>
      variant === 'int8' && !exact;
    expect(checks.filter(saturating)).toEqual([
      { variant: 'int8', exact: false, verdict: 'refused', scores: expect.any(Number) as number },
    ]);
    expect(checks.find(saturating)!.scores).toBeGreaterThan(0.2);
    const others = checks.filter((check) => !saturating(check));
    expect(others.map(({ variant }) => variant)).toEqual(expect.arrayContaining(['int8', 'fp32']));
    for (const { variant, verdict, scores } of others) {
      expect(verdict, variant).toBe('passed');
      expect(scores, variant).toBeLessThan(0.01);
    }
  });

  it('has the frame path take what passes, and say what was refused', () => {
    const report = join(folder, 'run.json');

    const output = asAvx2(
      ...['run', '--bundle', bundle.folder, '--camera', 'sim', '--size', '320x180', '--rate', '10'],
      ...['--seconds', '2', '--report', report],
    );

    expect(output).toMatch(/cpu is not used: int8: refused: deviation 0\.\d+ of scores/);
    const { frames } = runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    expect(frames.published).toBeGreaterThan(0);
  });
});
