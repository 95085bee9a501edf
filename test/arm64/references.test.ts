import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withReferences } from '../support/referenced-bundle.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { goshawkOnArm64 } from './machine.ts';
import { ARM64, describeWith } from '../support/needs.ts';

describeWith(ARM64, 'the reference check on arm64', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-arm64-'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('passes every CPU variant of the shipped bundle: arm64 reproduces the outputs of x86', async () => {
    const bundle = await withReferences(shippedBundle(), folder);

    const output = await goshawkOnArm64('models', 'verify', bundle.folder);

    const forCpu = bundle.manifest.variants.filter(({ providers }) => providers.includes('cpu'));
    for (const { id } of forCpu) {
      const line = new RegExp(`references, ${id} on cpu: passed: deviation ([\\d.]+) of scores`);
      expect(Number(line.exec(output)?.[1]), `${id} in\n${output}`).toBeLessThan(0.01);
    }
  });
});
