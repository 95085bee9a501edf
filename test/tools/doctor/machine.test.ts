import { describe, expect, it } from 'vitest';
import {
  checkDisk,
  checkGovernor,
  checkNode,
  checkReceiveBuffers,
  checkSharedMemory,
  checkThreads,
} from '../../../src/tools/doctor/checks/machine.ts';
import { fakeProbe, HOME } from './fake-probe.ts';

const MIB = 1024 * 1024;

describe('Node', () => {
  it.each([
    ['18.20.4', 'fail'],
    ['20.20.0', 'fail'],
    ['22.17.9', 'fail'],
    ['22.18.0', 'ok'],
    ['24.21.0', 'ok'],
  ])('%s: %s', (nodeVersion, status) => {
    expect(checkNode(fakeProbe({ nodeVersion })).status).toBe(status);
  });
});

describe('shared memory', () => {
  it.each([
    [64 * MIB, 'fail'],
    [256 * MIB, 'warn'],
    [2048 * MIB, 'ok'],
  ])('%d bytes free: %s', (free, status) => {
    const probe = fakeProbe({ spaces: { '/dev/shm': { total: 2048 * MIB, free } } });
    expect(checkSharedMemory(probe).status).toBe(status);
  });

  it('fails if there is none', () => {
    const { status, fix } = checkSharedMemory(fakeProbe({}));
    expect(status).toBe('fail');
    expect(fix).toContain('--shm-size');
  });
});

describe('receive buffers', () => {
  const file = '/proc/sys/net/core/rmem_max';

  it('warns about the kernel default and shows the command', () => {
    const finding = checkReceiveBuffers(fakeProbe({ files: { [file]: '212992\n' } }));
    expect(finding).toMatchObject({ status: 'warn', finding: expect.stringContaining('208 KiB') as string });
    expect(finding.fix).toContain('sysctl -w net.core.rmem_max=8388608');
  });

  it('accepts 4 MiB, and a container that hides it', () => {
    expect(checkReceiveBuffers(fakeProbe({ files: { [file]: '4194304\n' } })).status).toBe('ok');
    expect(checkReceiveBuffers(fakeProbe({})).status).toBe('ok');
  });
});

describe('frequency governor', () => {
  const governor = (cpu: number) => `/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_governor`;

  it('warns when one processor of several saves power', () => {
    const files = {
      [governor(0)]: 'performance\n',
      [governor(1)]: 'powersave\n',
      '/sys/devices/system/cpu/cpuidle/x': '',
    };
    const { status, finding } = checkGovernor(fakeProbe({ files }));
    expect(status).toBe('warn');
    expect(finding).toContain('powersave');
    expect(finding).not.toContain('performance,');
  });

  it('accepts performance, and a machine without frequency control', () => {
    expect(checkGovernor(fakeProbe({ files: { [governor(0)]: 'performance\n' } })).finding).toBe(
      'performance',
    );
    expect(checkGovernor(fakeProbe({ files: { '/sys/devices/system/cpu/cpu0/online': '1' } })).status).toBe(
      'ok',
    );
  });
});

describe('disk', () => {
  it.each([
    [100 * MIB, 'fail'],
    [500 * MIB, 'warn'],
    [5000 * MIB, 'ok'],
  ])('%d bytes free: %s', (free, status) => {
    expect(checkDisk(fakeProbe({ spaces: { [HOME]: { total: 10_000 * MIB, free } } })).status).toBe(status);
  });

  it('warns if it cannot be read', () => {
    expect(checkDisk(fakeProbe({})).status).toBe('warn');
  });
});

describe('threads', () => {
  it('recommends as many as there are cores, at least four and at most sixteen', () => {
    const withThreads = (cores: number, UV_THREADPOOL_SIZE: string) =>
      checkThreads(fakeProbe({ cores, env: { UV_THREADPOOL_SIZE, MALLOC_ARENA_MAX: '2' } })).status;
    expect(withThreads(2, '4')).toBe('ok');
    expect(withThreads(8, '4')).toBe('warn');
    expect(withThreads(8, '8')).toBe('ok');
    expect(withThreads(64, '16')).toBe('ok');
    expect(withThreads(2, 'many')).toBe('warn');
  });

  it('names both variables in one fix', () => {
    const { status, fix } = checkThreads(fakeProbe({ cores: 8 }));
    expect(status).toBe('warn');
    expect(fix).toContain('export UV_THREADPOOL_SIZE=8 MALLOC_ARENA_MAX=2');
  });
});
