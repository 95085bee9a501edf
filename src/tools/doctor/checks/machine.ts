import { isAtLeastNode, OLDEST_NODE } from '../../../platform/node-version.ts';
import { fail, formatBytes, ok, warn, type Finding } from './finding.ts';
import type { Probe } from './probe.ts';

const MIB = 1024 * 1024;

/** Node's version. */
export function checkNode(probe: Probe): Finding {
  if (isAtLeastNode(probe.nodeVersion, OLDEST_NODE)) return ok(probe.nodeVersion);
  return fail(`${probe.nodeVersion} is older than ${OLDEST_NODE}`, 'install Node 24 (nvm install 24)');
}

/** One DDS segment of 64 MiB each for a handful of processes. */
const SHM_WANTED = 512 * MIB;
const SHM_NEEDED = 128 * MIB;

/** Checks shared memory, which carries images between processes. */
export function checkSharedMemory(probe: Probe): Finding {
  const space = probe.space('/dev/shm');
  const fix = 'sudo mount -o remount,size=1G /dev/shm (in a container: docker run --shm-size=1g)';
  if (space === undefined)
    return fail('/dev/shm does not exist: images from other processes arrive slowly or not at all', fix);
  const finding = `/dev/shm has ${formatBytes(space.free)} free of ${formatBytes(space.total)}`;
  if (space.free < SHM_NEEDED) return fail(finding, fix);
  return space.free < SHM_WANTED ? warn(finding, fix) : ok(finding);
}

const RMEM_FILE = '/proc/sys/net/core/rmem_max';
const RMEM_WANTED = 4 * MIB;

/**
 * Checks the largest receive buffer of a socket, because raw images from other hosts arrive as bursts of UDP
 * fragments.
 */
export function checkReceiveBuffers(probe: Probe): Finding {
  const text = probe.readText(RMEM_FILE);
  if (text === undefined)
    return ok('net.core.rmem_max is not visible here (a container): check it on the host');
  const bytes = Number(text);
  if (bytes >= RMEM_WANTED) return ok(`net.core.rmem_max is ${formatBytes(bytes)}`);
  return warn(
    `net.core.rmem_max is ${formatBytes(bytes)}: raw images from other hosts will lose fragments`,
    `sudo sysctl -w net.core.rmem_max=${2 * RMEM_WANTED} (permanently: a file in /etc/sysctl.d)`,
  );
}

const CPU_FOLDER = '/sys/devices/system/cpu';

/**
 * Checks the frequency governor of the CPU: a power-saving one clocks down between frames, so that every
 * frame waits until the clock is up again.
 */
export function checkGovernor(probe: Probe): Finding {
  const governors = probe
    .list(CPU_FOLDER)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => probe.readText(`${CPU_FOLDER}/${name}/cpufreq/scaling_governor`)?.trim())
    .filter((governor) => governor !== undefined);
  const kinds = [...new Set(governors)];
  if (kinds.length === 0) return ok('no frequency control is visible (a virtual machine)');
  const slow = kinds.filter((kind) => kind !== 'performance');
  if (slow.length === 0) return ok('performance');
  return warn(
    `${slow.join(', ')}: latencies vary with the clock rate`,
    'sudo cpupower frequency-set -g performance (on a Jetson: the power modes of ' +
      'docs/jetson.md and sudo jetson_clocks)',
  );
}

const DISK_WANTED = 1024 * MIB;
const DISK_NEEDED = 200 * MIB;

/** Checks the space for bundles, the telemetry outbox and captured frames. */
export function checkDisk(probe: Probe): Finding {
  const space = probe.space(probe.home);
  if (space === undefined) return warn(`the free space of ${probe.home} cannot be read`, `df ${probe.home}`);
  const finding = `${formatBytes(space.free)} free in ${probe.home}`;
  const fix = 'free some space: bundles, the outbox and captured frames need it';
  if (space.free < DISK_NEEDED) return fail(finding, fix);
  return space.free < DISK_WANTED ? warn(finding, fix) : ok(finding);
}

const LIBUV_DEFAULT = 4;
const THREADS_USEFUL = 16;

/**
 * Checks what must be set before Node starts: the number of libuv's threads, which run image work, and of
 * glibc's arenas.
 */
export function checkThreads(probe: Probe): Finding {
  const { UV_THREADPOOL_SIZE: given, MALLOC_ARENA_MAX: arenas } = probe.env;
  const threads = given === undefined ? LIBUV_DEFAULT : Number(given);
  const wanted = Math.min(THREADS_USEFUL, Math.max(LIBUV_DEFAULT, probe.cores));
  const faults: string[] = [];
  const fixes: string[] = [];
  if (!(threads >= wanted)) {
    faults.push(
      `UV_THREADPOOL_SIZE ${given ?? 'is not set'}: ${probe.cores} cores can use ${wanted} threads`,
    );
    fixes.push(`UV_THREADPOOL_SIZE=${wanted}`);
  }
  if (arenas === undefined) {
    faults.push('MALLOC_ARENA_MAX is not set: memory of image buffers fragments');
    fixes.push('MALLOC_ARENA_MAX=2');
  }
  if (faults.length === 0) return ok(`UV_THREADPOOL_SIZE ${threads}, MALLOC_ARENA_MAX ${arenas ?? ''}`);
  return warn(
    faults.join('; '),
    `export ${fixes.join(' ')} (npm start, scripts/with-ros and the launch files do it)`,
  );
}
