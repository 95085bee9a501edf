import { describe, expect, it } from 'vitest';
import { machineFingerprintSchema } from '../../../src/contract/machine.ts';
import { probeInt8Arithmetic } from '../../../src/device/inference/int8-probe.ts';
import { machineFingerprint } from '../../../src/device/inference/machine-fingerprint.ts';

describe('the fingerprint of this machine', () => {
  it('follows its schema and is the same each time', async () => {
    const first = await machineFingerprint();
    expect(machineFingerprintSchema.parse(first)).toEqual(first);
    expect(await machineFingerprint()).toEqual(first);
  });

  it('names a kind of machine that matches the probed arithmetic', async () => {
    const { kind, int8 } = await machineFingerprint();
    expect(int8).toBe(await probeInt8Arithmetic());
    if (kind.startsWith('x64-vnni') || kind.startsWith('arm64')) expect(int8).toBe('exact');
  });
});
