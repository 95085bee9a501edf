import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRos, sourceSetup, systemDistributions } from '../../scripts/bootstrap/find-ros.mjs';
import { PLACES } from '../../scripts/bootstrap/paths.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'goshawk-ros-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes a distribution whose setup.bash behaves like a real one: it sets prefix paths and refuses unset variables. */
function install(name: string, lines: readonly string[] = [`export ROS_DISTRO=${name}`]): string {
  const prefix = path.join(folder, name);
  mkdirSync(path.join(prefix, 'share/rcl'), { recursive: true });
  writeFileSync(path.join(prefix, 'share/rcl/package.xml'), '');
  const ament = `export AMENT_PREFIX_PATH=${prefix}; export PATH=${prefix}/bin:$PATH`;
  writeFileSync(path.join(prefix, 'setup.bash'), [...lines, ament, 'echo noise'].join('\n'));
  return prefix;
}

function machine(change: Partial<Parameters<typeof findRos>[0]> = {}) {
  return {
    env: {},
    systemFolder: folder,
    platform: 'linux' as const,
    arch: 'x64',
    glibc: '2.36',
    source: sourceSetup,
    ...change,
  };
}

describe('search for ROS 2', () => {
  it('takes a sourced installation first, with the variables that other shells need', () => {
    install('kilted');
    const sourced = install('humble');
    const env = {
      ROS_DISTRO: 'humble',
      AMENT_PREFIX_PATH: `/ws/none:${sourced}`,
      PATH: `${sourced}/bin:/usr/bin`,
    };
    expect(findRos(machine({ env }))).toEqual({
      kind: 'found',
      ros: {
        kind: 'sourced',
        distro: 'humble',
        prefix: sourced,
        variables: { ROS_DISTRO: 'humble', AMENT_PREFIX_PATH: `/ws/none:${sourced}`, PATH: `${sourced}/bin` },
      },
    });
  });

  it('does not take its own prefix for a sourced installation', () => {
    const env = { ROS_DISTRO: 'jazzy', AMENT_PREFIX_PATH: PLACES.rosPrefix };
    expect(findRos(machine({ env }))).toEqual({ kind: 'wheels', distro: 'jazzy' });
  });

  it('takes the newest in the system, by sourcing it', () => {
    install('humble');
    const jazzy = install('jazzy');
    mkdirSync(path.join(folder, 'lyrical'));
    expect(systemDistributions(folder)).toEqual(['jazzy', 'humble']);
    expect(findRos(machine())).toEqual({
      kind: 'found',
      ros: {
        kind: 'system',
        distro: 'jazzy',
        prefix: jazzy,
        variables: { ROS_DISTRO: 'jazzy', AMENT_PREFIX_PATH: jazzy, PATH: `${jazzy}/bin` },
      },
    });
  });

  it('skips ROS 1 and a distribution that cannot be sourced', () => {
    const humble = install('humble');
    install('melodic', ['export ROS_DISTRO=melodic', 'return 0']);
    install('noetic', ['exit 3']);
    expect(findRos(machine())).toMatchObject({ kind: 'found', ros: { prefix: humble } });
  });

  it('makes one from wheels where they exist', () => {
    expect(findRos(machine())).toEqual({ kind: 'wheels', distro: 'jazzy' });
    expect(findRos(machine({ glibc: '2.28' }))).toEqual({ kind: 'wheels', distro: 'jazzy' });
  });

  it('takes the requested distribution, installed or from wheels', () => {
    const wanted = (distro: string) => machine({ env: { GOSHAWK_ROS_DISTRO: distro } });
    expect(findRos(wanted('kilted'))).toEqual({ kind: 'wheels', distro: 'kilted' });
    expect(findRos(wanted(''))).toEqual({ kind: 'wheels', distro: 'jazzy' });
    install('lyrical');
    const kilted = install('kilted');
    expect(findRos(machine())).toMatchObject({ ros: { distro: 'lyrical' } });
    expect(findRos(wanted('kilted'))).toMatchObject({
      kind: 'found',
      ros: { kind: 'system', distro: 'kilted', prefix: kilted },
    });
    expect(findRos(wanted('jazzy'))).toEqual({ kind: 'wheels', distro: 'jazzy' });
    expect(findRos(wanted('humble'))).toMatchObject({
      kind: 'none',
      reason: expect.stringMatching(/no humble sourced.*wheels exist only for jazzy and kilted/) as string,
    });
  });

  it('does not put a second distribution on top of one that is sourced', () => {
    const sourced = install('jazzy');
    const env = { ROS_DISTRO: 'jazzy', AMENT_PREFIX_PATH: sourced };
    expect(findRos(machine({ env: { ...env, GOSHAWK_ROS_DISTRO: 'kilted' } }))).toMatchObject({
      kind: 'none',
      reason: expect.stringContaining('jazzy is sourced') as string,
    });
    expect(findRos(machine({ env: { ...env, GOSHAWK_ROS_DISTRO: 'jazzy' } }))).toMatchObject({
      kind: 'found',
    });
  });

  it.each([
    [{ arch: 'arm64' }, 'linux arm64'],
    [{ platform: 'darwin' as const }, 'darwin'],
    [{ glibc: '2.27' }, '2.27'],
    [{ glibc: undefined }, 'another C library'],
  ])('reports why there can be none: %o', (change, reason) => {
    expect(findRos(machine(change))).toMatchObject({
      kind: 'none',
      reason: expect.stringContaining(reason) as string,
    });
  });

  it('uses none if so requested, whatever is installed', () => {
    install('jazzy');
    expect(findRos(machine({ env: { GOSHAWK_NO_ROS: '1' } }))).toMatchObject({ kind: 'none' });
  });
});
