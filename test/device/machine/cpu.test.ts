import { describe, expect, it } from 'vitest';
import { coresOfQuota, machineKindOf, parseCpuInfo, usableCores } from '../../../src/device/machine/cpu.ts';

const X86 = `processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz
flags\t\t: fpu avx2 sse2 avx
bugs\t\t: spectre_v1

processor\t: 1
model name\t: Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz
flags\t\t: fpu avx2 sse2 avx
`;

const ARM = `processor\t: 0
BogoMIPS\t: 62.50
Features\t: fp asimd crc32 asimddp
CPU implementer\t: 0x41
`;

describe('the text of /proc/cpuinfo', () => {
  it('is read on x86: model, and flags in order', () => {
    expect(parseCpuInfo(X86)).toEqual({
      model: 'Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz',
      flags: ['avx', 'avx2', 'fpu', 'sse2'],
    });
  });

  it('is read on ARM, which names no model', () => {
    expect(parseCpuInfo(ARM)).toEqual({ model: '', flags: ['asimd', 'asimddp', 'crc32', 'fp'] });
  });

  it('may be missing or arbitrary', () => {
    expect(parseCpuInfo('')).toEqual({ model: '', flags: [] });
    expect(parseCpuInfo('flags\nflags:\n')).toEqual({ model: '', flags: [] });
  });
});

describe('the kind of a machine', () => {
  it.each([
    ['x64', ['avx2', 'avx512f', 'avx512_vnni'], 'x64-vnni'],
    ['x64', ['avx2', 'avx_vnni'], 'x64-vnni'],
    ['x64', ['avx2', 'avx512f', 'amx_int8'], 'x64-vnni'],
    ['x64', ['avx2', 'avx512f'], 'x64-avx512'],
    ['x64', ['avx2'], 'x64-avx2'],
    ['x64', ['sse4_2'], 'x64'],
    ['arm64', ['asimd', 'asimddp'], 'arm64-dotprod'],
    ['arm64', ['asimd'], 'arm64'],
    ['riscv64', [], 'other'],
  ] as const)('%s with %j is %s', (architecture, flags, kind) => {
    expect(machineKindOf(architecture, flags, 'exact')).toBe(kind);
  });

  it('is not taken from flags that the inference library contradicts', () => {
    expect(machineKindOf('x64', ['avx2', 'avx512_vnni'], 'saturating')).toBe('x64-avx2');
  });
});

describe('the quota of a control group', () => {
  it.each([
    ['200000 100000', 2],
    ['50000 100000\n', 0.5],
    ['max 100000', Infinity],
    ['-1 100000', Infinity],
    ['', Infinity],
    ['1 0', Infinity],
  ])('%j allows %d cores', (text, cores) => {
    expect(coresOfQuota(text)).toBe(cores);
  });

  it('always leaves at least part of a core', () => {
    expect(usableCores()).toBeGreaterThan(0);
  });
});
