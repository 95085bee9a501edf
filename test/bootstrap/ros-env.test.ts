import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PLACES } from '../../scripts/bootstrap/paths.mjs';
import { rosEnvironment, withoutRos, type RosInstallation } from '../../scripts/bootstrap/ros-env.mjs';

let prefix = '';
beforeEach(() => {
  prefix = mkdtempSync(path.join(tmpdir(), 'goshawk-prefix-'));
  for (const name of ['ros_rcl.libs', 'ros_fastrtps.libs', 'numpy.libs']) {
    mkdirSync(path.join(prefix, 'lib/python3.12/site-packages', name), { recursive: true });
  }
});
afterEach(() => {
  rmSync(prefix, { recursive: true, force: true });
});

const wheels = (): RosInstallation => ({ kind: 'wheels', distro: 'jazzy', prefix });

/** Folders of this project that are always on the PATH. */
const OWN = [
  PLACES.commands,
  ...(existsSync(PLACES.runtimeNode) ? [path.dirname(PLACES.runtimeNode)] : []),
].join(':');

describe('environment of ROS 2', () => {
  it('of a prefix from wheels names its libraries, its Python packages and its programs first', () => {
    const env = rosEnvironment(wheels(), { PATH: '/usr/bin', LD_LIBRARY_PATH: '/opt/cuda/lib' });
    const packages = path.join(prefix, 'lib/python3.12/site-packages');
    expect(env['PATH']).toBe(`${prefix}/bin:${OWN}:/usr/bin`);
    expect(env['PYTHONPATH']).toBe(packages);
    expect(env['CMAKE_PREFIX_PATH']).toBe(prefix);
    expect(env['LD_LIBRARY_PATH']?.split(':')).toEqual([
      `${prefix}/lib`,
      `${packages}/ros_fastrtps.libs`,
      `${packages}/ros_rcl.libs`,
      '/opt/cuda/lib',
    ]);
    expect(env).toMatchObject({
      ROS_DISTRO: 'jazzy',
      RMW_IMPLEMENTATION: 'rmw_fastrtps_cpp',
      MALLOC_ARENA_MAX: '2',
    });
    expect(env['FASTRTPS_DEFAULT_PROFILES_FILE']).toBe(PLACES.ddsProfile);
    expect(env).not.toHaveProperty('FASTDDS_DEFAULT_PROFILES_FILE');
  });

  it('is the same when applied to itself', () => {
    const once = rosEnvironment({ ...wheels(), overlay: '/overlay' }, { PATH: '/usr/bin' });
    expect(rosEnvironment({ ...wheels(), overlay: '/overlay' }, once)).toEqual(once);
  });

  it('leaves what the caller chose', () => {
    const chosen = {
      RMW_IMPLEMENTATION: 'rmw_cyclonedds_cpp',
      ROS_AUTOMATIC_DISCOVERY_RANGE: 'SUBNET',
      FASTRTPS_DEFAULT_PROFILES_FILE: '/etc/robot.xml',
      UV_THREADPOOL_SIZE: '7',
    };
    expect(rosEnvironment(wheels(), chosen)).toMatchObject(chosen);
  });

  it('of a system installation is what its setup.bash sets, with the overlay first', () => {
    const ros: RosInstallation = {
      kind: 'system',
      distro: 'humble',
      prefix: '/opt/ros/humble',
      variables: { AMENT_PREFIX_PATH: '/opt/ros/humble', PATH: '/opt/ros/humble/bin', ROS_DISTRO: 'humble' },
      overlay: '/overlay',
    };
    const env = rosEnvironment(ros, { PATH: '/usr/bin', AMENT_PREFIX_PATH: '/ws' });
    expect(env['AMENT_PREFIX_PATH']).toMatch(/^(.*:)?\/overlay:\/opt\/ros\/humble:\/ws$/);
    expect(env['PATH']).toBe(`/opt/ros/humble/bin:${OWN}:/usr/bin`);
    expect(env['_ROS_WHEELS_BOOTSTRAP_COMPLETE']).toBeUndefined();
  });

  it.each([
    ['humble', 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'],
    ['jazzy', 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'],
    ['kilted', 'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'],
    ['lyrical', 'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'],
  ])('names the DDS profile as %s reads it, once', (distro, read, other) => {
    const profileOf = (variables: Record<string, string>) => {
      const env = rosEnvironment({ ...wheels(), distro }, variables);
      expect(env).not.toHaveProperty(other);
      return env[read];
    };
    expect(profileOf({})).toBe(PLACES.ddsProfile);
    expect(profileOf({ [read]: '/etc/robot.xml' })).toBe('/etc/robot.xml');
    expect(profileOf({ [other]: '/etc/robot.xml' })).toBe('/etc/robot.xml');
    expect(profileOf({ [read]: '/etc/robot.xml', [other]: '/old.xml' })).toBe('/etc/robot.xml');
  });

  it('can be removed again, for a process that finds another ROS', () => {
    const plain = { PATH: '/usr/bin', LD_LIBRARY_PATH: '/opt/cuda/lib', HOME: '/home/pilot' };
    const inside = rosEnvironment({ ...wheels(), overlay: '/overlay' }, plain);
    const outside = withoutRos(inside);
    expect(outside).toMatchObject({ LD_LIBRARY_PATH: '/opt/cuda/lib', HOME: '/home/pilot' });
    expect(outside['PATH']).toBe(`${OWN}:/usr/bin`);
    const left = Object.entries(outside).filter(([name]) => /^(ROS_|AMENT|CMAKE|PYTHON|_ROS)/.test(name));
    expect(left).toEqual([['ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST']]);
    expect(withoutRos(plain)).toEqual(plain);
  });

  it('without ROS sets only what Node itself needs', () => {
    expect(Object.keys(rosEnvironment(undefined, {})).sort()).toEqual([
      'MALLOC_ARENA_MAX',
      'MALLOC_MMAP_THRESHOLD_',
      'MALLOC_TRIM_THRESHOLD_',
      'PATH',
      'UV_THREADPOOL_SIZE',
    ]);
  });
});
