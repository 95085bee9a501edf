import { describe, expect, it } from 'vitest';
import type { MachineFacts } from '../../../src/contract/machine.ts';
import { digestOfFlags, fingerprintOf } from '../../../src/device/machine/fingerprint.ts';

const FACTS: MachineFacts = {
  kind: 'x64-vnni',
  int8: 'exact',
  arch: 'x64',
  cpu: 'a CPU',
  flags: digestOfFlags(['avx2', 'avx512_vnni']),
  cores: 2,
  onnxruntime: '1.30.0',
  tensorrt: null,
  computeCapability: null,
  driver: null,
};

describe('the fingerprint of a machine', () => {
  it('does not depend on the order of its facts', () => {
    const turned = Object.fromEntries(Object.entries(FACTS).reverse()) as unknown as MachineFacts;
    expect(fingerprintOf(turned).digest).toBe(fingerprintOf(FACTS).digest);
  });

  it.each([
    ['features of the CPU', { flags: digestOfFlags(['avx2']) }],
    ['the arithmetic that was seen', { int8: 'saturating' }],
    ['cores', { cores: 1 }],
    ['ONNX Runtime', { onnxruntime: '1.31.0' }],
    ['TensorRT', { tensorrt: '10.3.0' }],
    ['the driver', { driver: '550.54.14' }],
    ['the GPU', { computeCapability: '8.7' }],
  ] as const)('changes with %s', (_what, change) => {
    expect(fingerprintOf({ ...FACTS, ...change }).digest).not.toBe(fingerprintOf(FACTS).digest);
  });
});
