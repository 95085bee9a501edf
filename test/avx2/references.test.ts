import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';
import { bundleManifestSchema } from '../../src/contract/bundle.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';

const ROOT = join(import.meta.dirname, '../..');

/** `references, int8 on cpu: refused: deviation 0.5729 of scores, ...` */
const CHECKED = /references, (\S+)( \(exact kernels\))? on cpu: (\w+): deviation ([\d.]+) of scores/g;

describe('the reference check on a CPU without VNNI, of the shipped bundle', () => {
  const shipped = shippedBundle();
  let folder = '';
  let unstated = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-avx2-'));
    unstated = join(folder, 'unstated');
    cpSync(shipped, unstated, { recursive: true });
    const file = join(unstated, 'bundle.json');
    const manifest = bundleManifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    // like bundles made before a variant could state its requirements
    for (const variant of manifest.variants) delete variant.requires;
    // first in order, so that it is tried also where the machine is too busy to measure which one is the fastest
    const isExact = ({ id }: { readonly id: string }): boolean => id === 'int8-exact';
    const variants = manifest.variants.toSorted(
      (one, other) => Number(isExact(other)) - Number(isExact(one)),
    );
    writeFileSync(file, JSON.stringify({ ...manifest, variants }));
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

  function verify(bundle: string) {
    return [...asAvx2('models', 'verify', bundle).matchAll(CHECKED)].map(
      ([, variant, exact, verdict, scores]) => ({
        variant: variant!,
        exact: exact !== undefined,
        verdict: verdict!,
        scores: Number(scores),
      }),
    );
  }

  it('passes every variant of the shipped bundle, the one that needs exact sums by exact kernels alone', () => {
    const checks = verify(shipped);

    expect(checks.map(({ variant, exact }) => [variant, exact])).toEqual(
      expect.arrayContaining([
        ['int8', false],
        ['int8-exact', true],
        ['fp32', false],
      ]),
    );
    expect(checks.some(({ variant, exact }) => variant === 'int8-exact' && !exact)).toBe(false);
    for (const { variant, verdict, scores } of checks) {
      expect(verdict, variant).toBe('passed');
      expect(scores, variant).toBeLessThan(0.01);
    }
  });

  it('refuses 8-bit weights that do not state what they need, with figures, and passes them by exact kernels', () => {
    const checks = verify(unstated);

    const saturating = ({ variant, exact }: { variant: string; exact: boolean }) =>
      variant === 'int8-exact' && !exact;
    expect(checks.filter(saturating)).toEqual([
      { variant: 'int8-exact', exact: false, verdict: 'refused', scores: expect.any(Number) as number },
    ]);
    expect(checks.find(saturating)!.scores).toBeGreaterThan(0.2);
    const others = checks.filter((check) => !saturating(check));
    expect(others.map(({ variant }) => variant)).toEqual(
      expect.arrayContaining(['int8-exact', 'int8', 'fp32']),
    );
    for (const { variant, verdict } of others) expect(verdict, variant).toBe('passed');
  });

  it('makes the frame path use what passes, and report what was refused', () => {
    const report = join(folder, 'run.json');

    const output = asAvx2(
      ...['run', '--bundle', unstated, '--camera', 'sim', '--size', '320x180', '--rate', '10'],
      ...['--seconds', '2', '--report', report],
    );

    expect(output).toMatch(/refused: int8-exact on cpu: deviation \d+\.\d+ of scores/);
    const { frames } = runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    expect(frames.published).toBeGreaterThan(0);
  });
});
