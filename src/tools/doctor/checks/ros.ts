import { fail, formatBytes, ok, warn, type Finding } from './finding.ts';
import {
  FAST_DDS_DEFAULT_SEGMENT,
  NEWER_PROFILE_VARIABLE,
  OLDER_PROFILE_VARIABLE,
  profileVariableOf,
  readSharedMemoryProfile,
} from './dds-profile.ts';
import type { Probe } from './probe.ts';

/** A raw 1920x1080 rgb8 frame. */
const FRAME_BYTES = 1920 * 1080 * 3;
/** Two frames being written and read, with room in between. */
const SEGMENT_NEEDED = 4 * FRAME_BYTES;

const DEFAULT_RMW = 'rmw_fastrtps_cpp';

const prefixesOf = (probe: Probe): string[] =>
  (probe.env['AMENT_PREFIX_PATH'] ?? '').split(':').filter((prefix) => prefix !== '');

/** The prefix of ROS itself; undefined if this process has no ROS environment. */
function rosPrefix(probe: Probe): string | undefined {
  return prefixesOf(probe).find((prefix) => probe.exists(`${prefix}/share/rcl/package.xml`));
}

function kindOf(prefix: string, probe: Probe): string {
  if (prefix.startsWith(`${probe.home}/`)) return 'installed by set-up';
  return prefix.startsWith('/opt/ros/') ? 'installed in the system' : 'sourced';
}

/** Checks that ROS 2 is available, which one, and whether this process is in its environment. */
export function checkRos(probe: Probe): Finding {
  const prefix = rosPrefix(probe);
  const distro = probe.env['ROS_DISTRO'];
  if (prefix !== undefined && distro !== undefined)
    return ok(`${distro} at ${prefix} (${kindOf(prefix, probe)})`);
  if (probe.exists(`${probe.home}/.goshawk/ros.json`)) {
    return warn(
      'ROS 2 is set up, but this command runs outside its environment',
      'scripts/with-ros goshawk doctor',
    );
  }
  return warn(
    'there is no ROS 2: cameras can only run inside the process',
    'npm run setup (or source a ROS 2 installation first)',
  );
}

/** Checks for vision_msgs, the package of all published messages. */
export function checkVisionMessages(probe: Probe): Finding {
  if (rosPrefix(probe) === undefined) return ok('not needed without ROS 2');
  const owner = prefixesOf(probe).find((prefix) => probe.exists(`${prefix}/share/vision_msgs/package.xml`));
  if (owner !== undefined) return ok(`in ${owner}`);
  const distro = probe.env['ROS_DISTRO'] ?? '<distro>';
  return fail(
    'the package vision_msgs is missing: no detections can be published',
    `sudo apt-get install ros-${distro}-vision-msgs (or npm run setup, which builds it)`,
  );
}

/** Checks that rclnodejs, the client library, is built for this ROS 2 and this Node, and loads. */
export function checkClientLibrary(probe: Probe): Finding {
  if (rosPrefix(probe) === undefined) return ok('not needed without ROS 2');
  const fix = 'npm run setup (it builds rclnodejs against the ROS 2 in use)';
  const library = `${probe.home}/node_modules/rclnodejs`;
  if (!probe.exists(`${library}/generated`)) {
    return fail('rclnodejs has no message classes: it was not built against a ROS 2', fix);
  }
  if (probe.run(probe.node, ['-e', 'require(process.argv[1])', library]) === undefined) {
    return fail(`rclnodejs does not load in Node ${probe.nodeVersion}`, fix);
  }
  return ok('rclnodejs loads');
}

/** Checks that the middleware can be loaded, and that it is the one that the image settings are for. */
export function checkRmw(probe: Probe): Finding {
  if (rosPrefix(probe) === undefined) return ok('not needed without ROS 2');
  const name = probe.env['RMW_IMPLEMENTATION'] ?? DEFAULT_RMW;
  if (!prefixesOf(probe).some((prefix) => probe.exists(`${prefix}/lib/lib${name}.so`))) {
    return fail(
      `${name} is requested, but its library is not installed`,
      'unset RMW_IMPLEMENTATION, or sudo apt-get install ' +
        `ros-${probe.env['ROS_DISTRO'] ?? '<distro>'}-${name.replaceAll('_', '-')}`,
    );
  }
  if (!name.includes('fastrtps')) {
    return warn(
      `${name}: the shared-memory profile for images is only for Fast DDS`,
      `export RMW_IMPLEMENTATION=${DEFAULT_RMW}, or give ${name} buffers of ${formatBytes(SEGMENT_NEEDED)} and more`,
    );
  }
  return ok(name);
}

const isSet = (probe: Probe, name: string): boolean => (probe.env[name] ?? '') !== '';

/**
 * Checks the DDS profile: without a large shared-memory segment, raw images from other processes are lost.
 */
export function checkDdsProfile(probe: Probe): Finding {
  const rmw = probe.env['RMW_IMPLEMENTATION'] ?? DEFAULT_RMW;
  if (rosPrefix(probe) === undefined) return ok('not needed without ROS 2');
  if (!rmw.includes('fastrtps')) return ok(`not used by ${rmw}`);
  const ours = `${probe.home}/launch/fastdds.xml`;
  const distro = probe.env['ROS_DISTRO'] ?? '';
  const variable = profileVariableOf(distro);
  const fix = `export ${variable}=${ours} wherever images are published`;
  if (variable !== OLDER_PROFILE_VARIABLE && isSet(probe, OLDER_PROFILE_VARIABLE)) {
    return warn(
      `${OLDER_PROFILE_VARIABLE} is set, which is deprecated in ${distro}: if it is still ` +
        `read, its file takes precedence over that of ${variable}, with a warning in every ` +
        'process',
      `unset ${OLDER_PROFILE_VARIABLE}; ${fix}`,
    );
  }

  const file = isSet(probe, variable) ? probe.env[variable] : undefined;
  if (file === undefined) {
    const other = isSet(probe, NEWER_PROFILE_VARIABLE)
      ? ` (${NEWER_PROFILE_VARIABLE} is set, which ${distro} does not read)`
      : '';
    return warn(
      `no profile${other}: the built-in segment of ${formatBytes(FAST_DDS_DEFAULT_SEGMENT)} ` +
        'loses raw images published by this process',
      fix,
    );
  }
  const xml = probe.readText(file);
  if (xml === undefined) return fail(`the profile ${file} cannot be read`, fix);
  const profile = readSharedMemoryProfile(xml);
  if (profile === undefined) return fail(`${file} contains no Fast DDS profiles`, fix);
  if (profile === null) return warn(`${file} gives the default participant no shared memory`, fix);
  const segment = profile.segmentSize ?? FAST_DDS_DEFAULT_SEGMENT;
  if (segment < SEGMENT_NEEDED) {
    return warn(
      `${file}: a segment of ${formatBytes(segment)} is too small for raw images ` +
        `(${formatBytes(SEGMENT_NEEDED)} wanted)`,
      fix,
    );
  }
  if (profile.maxMessageSize !== undefined && profile.maxMessageSize < FRAME_BYTES) {
    return warn(`${file}: maxMessageSize ${formatBytes(profile.maxMessageSize)} is less than a frame`, fix);
  }
  return ok(`${file}: segment ${formatBytes(segment)}`);
}
