import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PLACES } from '../../scripts/bootstrap/paths.mjs';
import { rosEnvironment, type RosInstallation } from '../../scripts/bootstrap/ros-env.mjs';

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

describe('environment of ROS 2', () => {
  it('of a prefix from wheels names its libraries, its Python packages and its programs first', () => {
    const env = rosEnvironment(wheels(), { PATH: '/usr/bin', LD_LIBRARY_PATH: '/opt/cuda/lib' });
    const packages = path.join(prefix, 'lib/python3.12/site-packages');
    expect(env['PATH']).toBe(`${prefix}/bin:${PLACES.commands}:/usr/bin`);
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
    expect(env['FASTDDS_DEFAULT_PROFILES_FILE']).toBe(PLACES.ddsProfile);
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
    expect(rosEnvironment(wheels(), chosen)).toMatchObject({
      ...chosen,
      FASTDDS_DEFAULT_PROFILES_FILE: '/etc/robot.xml',
    });
  });

  it('of a system installation is what its setup.bash sets, with the overlay in front', () => {
    const ros: RosInstallation = {
      kind: 'system',
      distro: 'humble',
      prefix: '/opt/ros/humble',
      variables: { AMENT_PREFIX_PATH: '/opt/ros/humble', PATH: '/opt/ros/humble/bin', ROS_DISTRO: 'humble' },
      overlay: '/overlay',
    };
    const env = rosEnvironment(ros, { PATH: '/usr/bin', AMENT_PREFIX_PATH: '/ws' });
    expect(env['AMENT_PREFIX_PATH']).toMatch(/^(.*:)?\/overlay:\/opt\/ros\/humble:\/ws$/);
    expect(env['PATH']).toBe(`/opt/ros/humble/bin:${PLACES.commands}:/usr/bin`);
    expect(env['_ROS_WHEELS_BOOTSTRAP_COMPLETE']).toBeUndefined();
  });

  it('without ROS sets only what Node itself needs', () => {
    expect(Object.keys(rosEnvironment(undefined, {})).sort()).toEqual([
      'MALLOC_ARENA_MAX',
      'PATH',
      'UV_THREADPOOL_SIZE',
    ]);
  });
});
