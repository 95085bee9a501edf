import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  checkClientLibrary,
  checkDdsProfile,
  checkRmw,
  checkRos,
  checkVisionMessages,
} from '../../../src/tools/doctor/checks/ros.ts';
import { fakeProbe, HOME, type Machine } from './fake-probe.ts';

const PREFIX = '/opt/ros/jazzy';
const PROFILE = '/etc/fastdds.xml';

const installation: Machine = {
  env: {
    ROS_DISTRO: 'jazzy',
    AMENT_PREFIX_PATH: `/ws/install:${PREFIX}`,
    FASTRTPS_DEFAULT_PROFILES_FILE: PROFILE,
  },
  files: {
    [`${PREFIX}/share/rcl/package.xml`]: '',
    [`${PREFIX}/share/vision_msgs/package.xml`]: '',
    [`${PREFIX}/lib/librmw_fastrtps_cpp.so`]: '',
    [`${PREFIX}/lib/librmw_cyclonedds_cpp.so`]: '',
  },
};

function robot(change: { env?: Record<string, string>; files?: Record<string, string>; without?: string }) {
  const files = Object.entries({ ...installation.files, ...change.files }).filter(
    ([file]) => file !== change.without,
  );
  return fakeProbe({ env: { ...installation.env, ...change.env }, files: Object.fromEntries(files) });
}

function profile(segment: string, extra = ''): string {
  return `<dds><profiles>
    <transport_descriptors>
      <transport_descriptor><transport_id>udp</transport_id><type>UDPv4</type></transport_descriptor>
      <transport_descriptor><transport_id>shm</transport_id><type>SHM</type>${segment}${extra}</transport_descriptor>
    </transport_descriptors>
    <participant profile_name="p" is_default_profile="true"><rtps><userTransports>
      <transport_id>shm</transport_id><transport_id>udp</transport_id>
    </userTransports></rtps></participant>
  </profiles></dds>`;
}

describe('ROS 2', () => {
  it('is found with its kind', () => {
    expect(checkRos(robot({}))).toEqual({
      status: 'ok',
      finding: `jazzy at ${PREFIX} (installed in the system)`,
      fix: null,
    });
  });

  it('distinguishes no ROS 2 from none in this shell', () => {
    expect(checkRos(fakeProbe({})).fix).toContain('npm run setup');
    const outside = checkRos(fakeProbe({ files: { [`${HOME}/.goshawk/ros.json`]: '{}' } }));
    expect(outside.status).toBe('warn');
    expect(outside.fix).toContain('scripts/with-ros');
  });

  it('does not accept an AMENT_PREFIX_PATH to a deleted folder', () => {
    expect(checkRos(robot({ without: `${PREFIX}/share/rcl/package.xml` })).status).toBe('warn');
  });

  it('needs vision_msgs, and names the package of the distribution', () => {
    expect(checkVisionMessages(robot({})).status).toBe('ok');
    const missing = checkVisionMessages(robot({ without: `${PREFIX}/share/vision_msgs/package.xml` }));
    expect(missing.status).toBe('fail');
    expect(missing.fix).toContain('ros-jazzy-vision-msgs');
  });
});

describe('the client library', () => {
  const library = `${HOME}/node_modules/rclnodejs`;
  const built = { ...installation.files, [`${library}/generated`]: '' };
  const check = (machine: Machine) => checkClientLibrary(fakeProbe({ ...installation, ...machine }));

  it('is ok if it loads, and if there is no ROS 2', () => {
    const commands = { [`node -e require(process.argv[1]) ${library}`]: '' };
    expect(check({ files: built, commands })).toMatchObject({ status: 'ok', finding: 'rclnodejs loads' });
    expect(checkClientLibrary(fakeProbe({})).status).toBe('ok');
  });

  it('fails if it was not built, or not for this Node', () => {
    expect(check({})).toMatchObject({
      status: 'fail',
      finding: expect.stringContaining('not built') as string,
    });
    const other = check({ files: built, nodeVersion: '24.1.0' });
    expect(other.status).toBe('fail');
    expect(other.finding).toBe('rclnodejs does not load in Node 24.1.0');
    expect(other.fix).toContain('npm run setup');
  });
});

describe('middleware', () => {
  it('fails when its library is missing', () => {
    const { status, fix } = checkRmw(robot({ env: { RMW_IMPLEMENTATION: 'rmw_connextdds' } }));
    expect(status).toBe('fail');
    expect(fix).toContain('ros-jazzy-rmw-connextdds');
  });

  it('warns about any other than Fast DDS', () => {
    expect(checkRmw(robot({ env: { RMW_IMPLEMENTATION: 'rmw_cyclonedds_cpp' } })).status).toBe('warn');
    expect(checkRmw(robot({})).finding).toBe('rmw_fastrtps_cpp');
  });
});

describe('DDS profile', () => {
  const check = (xml: string) => checkDdsProfile(robot({ files: { [PROFILE]: xml } }));

  it('accepts the one in launch/', () => {
    const ours = readFileSync(new URL('../../../launch/fastdds.xml', import.meta.url), 'utf8');
    expect(check(ours)).toMatchObject({ status: 'ok', finding: expect.stringContaining('64 MiB') as string });
  });

  it('warns about a segment that is too small or not set', () => {
    expect(check(profile('<segment_size>524288</segment_size>')).finding).toContain('512 KiB');
    expect(check(profile('')).finding).toContain('512 KiB');
    expect(check(profile('<segment_size>33554432</segment_size>')).status).toBe('ok');
  });

  it('warns if the maximum message size is less than a frame', () => {
    const xml = profile('<segment_size>67108864</segment_size>', '<maxMessageSize>65500</maxMessageSize>');
    expect(check(xml)).toMatchObject({
      status: 'warn',
      finding: expect.stringContaining('maxMessageSize') as string,
    });
  });

  it('warns if the shared memory is defined but not used, or only in a comment', () => {
    const whole = profile('<segment_size>67108864</segment_size>');
    expect(
      check(whole.replace('<transport_id>shm</transport_id><transport_id>udp', '<transport_id>udp')).status,
    ).toBe('warn');
    expect(check(whole.replace(/(<transport_descriptor><transport_id>shm.*)/, '<!-- $1 -->')).status).toBe(
      'warn',
    );
  });

  it('fails on a file that is missing or something else', () => {
    expect(checkDdsProfile(robot({})).status).toBe('fail');
    expect(check('<launch></launch>').status).toBe('fail');
  });

  const newer = 'FASTDDS_DEFAULT_PROFILES_FILE';
  const older = 'FASTRTPS_DEFAULT_PROFILES_FILE';
  const files = { ...installation.files, [PROFILE]: profile('<segment_size>67108864</segment_size>') };
  const checkIn = (distro: string, variables: Record<string, string>) =>
    checkDdsProfile(
      fakeProbe({ env: { ROS_DISTRO: distro, AMENT_PREFIX_PATH: PREFIX, ...variables }, files }),
    );

  it.each([
    ['humble', older],
    ['jazzy', older],
    ['kilted', newer],
    ['lyrical', newer],
  ])('checks the variable that %s reads, and names it if it is not set', (distro, variable) => {
    expect(checkIn(distro, { [variable]: PROFILE }).status).toBe('ok');
    for (const without of [checkIn(distro, {}), checkIn(distro, { [variable]: '' })]) {
      expect(without.status).toBe('warn');
      expect(without.fix).toContain(`export ${variable}=`);
    }
  });

  it('warns about a variable that this distribution does not read', () => {
    const { status, finding } = checkIn('jazzy', { [newer]: PROFILE });
    expect(status).toBe('warn');
    expect(finding).toContain(`${newer} is set, which jazzy does not read`);
    expect(checkIn('jazzy', { [newer]: '/no/such/file', [older]: PROFILE }).status).toBe('ok');
  });

  it('warns about the older variable if Fast DDS 3 would load both files', () => {
    const { status, finding, fix } = checkIn('kilted', { [newer]: PROFILE, [older]: PROFILE });
    expect(status).toBe('warn');
    expect(finding).toContain(`${older} is set, which is deprecated in kilted`);
    expect(fix).toContain(`unset ${older}; export ${newer}=`);
  });
});
