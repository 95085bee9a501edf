import { fail, ok, warn, type Finding } from './finding.ts';
import type { Probe } from './probe.ts';

/** The release of ROS 2 Jazzy: a clock before it was never set. */
const EARLIEST_MS = Date.UTC(2024, 4, 23);

/** Whether a time service synchronizes the clock; undefined if none can be queried. */
function isSynchronized(probe: Probe): boolean | undefined {
  const systemd = probe.run('timedatectl', ['show', '--property=NTPSynchronized', '--value'])?.trim();
  if (systemd === 'yes' || probe.exists('/run/systemd/timesync/synchronized')) return true;
  const chrony = probe.run('chronyc', ['-n', 'tracking']);
  if (chrony !== undefined) return /Leap status\s*:\s*Normal/.test(chrony);
  return systemd === 'no' ? false : undefined;
}

/** Checks the clock that stamps messages, because latencies and deadlines across hosts depend on it. */
export function checkClock(probe: Probe): Finding {
  const now = probe.wallMs();
  const fix = 'sudo timedatectl set-ntp true (or run chrony; without network: a PTP or GPS time source)';
  if (now < EARLIEST_MS) return fail(`the clock reads ${new Date(now).toISOString()}: it was never set`, fix);
  switch (isSynchronized(probe)) {
    case true:
      return ok('synchronized by a time service');
    case false:
      return warn('no time service synchronizes the clock: stamps of several hosts drift apart', fix);
    case undefined:
      return warn('no time service can be queried (a container): check it on the host', fix);
  }
}

const SAMPLES = 10;
const SAMPLE_MS = 20;
/** Minimum for a step of the clock. Slewing by a time service stays far below (0.05 %). */
const STEP_MS = 20;

/** Detects steps of the clocks during the check, because frames would be refused as stale or repeated. */
export async function checkClockSteps(probe: Probe): Promise<Finding> {
  let monotonic = probe.monotonicMs();
  let wall = probe.wallMs();
  let largest = 0;
  for (let i = 0; i < SAMPLES; i++) {
    await probe.wait(SAMPLE_MS);
    const nextMonotonic = probe.monotonicMs();
    const nextWall = probe.wallMs();
    if (nextMonotonic < monotonic) {
      return fail(
        'the monotonic clock ran backwards',
        'check the clock source of this (virtual) machine: cat ' +
          '/sys/devices/system/clocksource/clocksource0/current_clocksource',
      );
    }
    largest = Math.max(largest, Math.abs(nextWall - wall - (nextMonotonic - monotonic)));
    monotonic = nextMonotonic;
    wall = nextWall;
  }
  if (largest <= STEP_MS) return ok(`no step in ${SAMPLES * SAMPLE_MS} ms`);
  return warn(
    `the clock jumped by ${Math.round(largest)} ms while it was watched`,
    'let the time service slew the clock (chrony: "makestep" only at start), then check again',
  );
}
