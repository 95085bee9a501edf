import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { installPackages } from '../../scripts/bootstrap/debian-packages.mjs';
import type { Machine } from '../../scripts/bootstrap/find-ros.mjs';
import { skip } from '../../scripts/bootstrap/group-runners.mjs';
import { skipRos } from '../../scripts/bootstrap/second-ros-group.mjs';
import { ensureSystemPackages } from '../../scripts/bootstrap/system-packages.mjs';

const machine = (env: Record<string, string>, more: Partial<Machine> = {}): Machine => ({
  env,
  systemFolder: '/nowhere',
  platform: 'linux',
  arch: 'arm64',
  glibc: '2.36',
  source: () => undefined,
  ...more,
});

describe('a skipped group', () => {
  it('counts as one test, with the command that runs it', () => {
    expect(skip('no qemu', 'sudo x && npm test -- --only arm64')).toEqual({
      passed: 0,
      failed: 0,
      skipped: 1,
      skips: [{ reason: 'no qemu', command: 'sudo x && npm test -- --only arm64', tests: 1 }],
    });
  });

  it.each([
    [{ GOSHAWK_NO_ROS: '1' }, 'GOSHAWK_NO_ROS=1 is set', 'env -u GOSHAWK_NO_ROS npm test -- --only ros'],
    [{}, 'this is linux arm64', 'sudo apt-get install ros-jazzy-ros-base && npm test -- --only ros'],
    [
      { GOSHAWK_ROS_DISTRO: 'humble' },
      'no humble sourced',
      'sudo apt-get install ros-humble-ros-base && npm test -- --only ros',
    ],
    [
      { GOSHAWK_ROS_DISTRO: 'humble', ROS_DISTRO: 'jazzy', AMENT_PREFIX_PATH: '/opt/ros/jazzy' },
      'no humble sourced',
      'env -u GOSHAWK_ROS_DISTRO npm test -- --only ros',
    ],
  ])('without ROS 2 under %j names the reason and the command', (env, reason, command) => {
    const [only, ...more] = skipRos(machine(env)).skips ?? [];
    expect(more).toEqual([]);
    expect(only).toMatchObject({ reason: expect.stringContaining(reason) as string, command });
  });
});

describe('packages of the system', () => {
  const tool = (isThere: boolean, ...packages: string[]) => ({ packages, isThere: () => isThere });
  const installs = async (...tools: ReturnType<typeof tool>[]): Promise<string[][]> => {
    const calls: string[][] = [];
    await ensureSystemPackages(
      () => undefined,
      tools,
      (packages) => {
        calls.push([...packages]);
        return Promise.resolve(true);
      },
    );
    return calls;
  };

  it('are installed in one step, only for missing tools', async () => {
    expect(
      await installs(tool(false, 'gcc', 'binutils'), tool(true, 'cmake'), tool(false, 'python3')),
    ).toEqual([['gcc', 'binutils', 'python3']]);
  });

  it('are not touched if nothing is missing', async () => {
    expect(await installs(tool(true, 'gcc'))).toEqual([]);
  });
});

describe('apt-get', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-apt-'));
    const log = join(folder, 'calls');
    writeFileSync(join(folder, 'apt-get'), `#!/bin/sh\necho "$@" >>'${log}'\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  it('installs as root, without questions', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    expect(await installPackages(['qemu-user', 'gcc'], 'test-apt')).toBe(true);
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toBe(
      'update\ninstall -y --no-install-recommends qemu-user gcc\n',
    );
  });

  it('is not started by other users', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    expect(await installPackages(['qemu-user'], 'test-apt')).toBe(false);
    expect(existsSync(join(folder, 'calls'))).toBe(false);
  });

  it('that fails leaves the tests to be skipped', async () => {
    writeFileSync(join(folder, 'apt-get'), '#!/bin/sh\nexit 100\n');
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    expect(await installPackages(['qemu-user'], 'test-apt')).toBe(false);
  });
});
