import type { DoctorCheck, DoctorReport } from '../../contract/doctor.ts';
import { describeError } from '../../contract/errors.ts';
import type { Host } from '../../contract/report.ts';
import { checkClock, checkClockSteps } from './checks/clock.ts';
import {
  checkDisk,
  checkGovernor,
  checkNode,
  checkReceiveBuffers,
  checkSharedMemory,
  checkThreads,
} from './checks/machine.ts';
import { checkBundles, checkProviders, checkModelReferences, type ModelPorts } from './checks/models.ts';
import {
  checkClientLibrary,
  checkDdsProfile,
  checkRmw,
  checkRos,
  checkVisionMessages,
} from './checks/ros.ts';
import { fail, type Finding } from './checks/finding.ts';
import type { Probe } from './checks/probe.ts';

type Check = (probe: Probe, ports: ModelPorts) => Finding | Promise<Finding>;

/** In the order of the report. */
const CHECKS: readonly (readonly [name: string, check: Check])[] = [
  ['node', checkNode],
  ['ros', checkRos],
  ['client-library', checkClientLibrary],
  ['vision-msgs', checkVisionMessages],
  ['rmw', checkRmw],
  ['dds-profile', checkDdsProfile],
  ['shared-memory', checkSharedMemory],
  ['receive-buffers', checkReceiveBuffers],
  ['providers', checkProviders],
  ['bundles', (_probe, ports) => checkBundles(ports)],
  ['references', (_probe, ports) => checkModelReferences(ports)],
  ['governor', checkGovernor],
  ['clock', checkClock],
  ['clock-steps', checkClockSteps],
  ['disk', checkDisk],
  ['threads', checkThreads],
];

/**
 * Runs every check in order. A check that fails with an error is itself a finding, and the others still run.
 */
export async function examine(probe: Probe, ports: ModelPorts): Promise<DoctorCheck[]> {
  const results: DoctorCheck[] = [];
  for (const [name, check] of CHECKS) {
    results.push({ name, ...(await attempt(check, probe, ports)) });
  }
  return results;
}

async function attempt(check: Check, probe: Probe, ports: ModelPorts): Promise<Finding> {
  try {
    return await check(probe, ports);
  } catch (error) {
    return fail(`this could not be checked: ${describeError(error)}`, 'npm run setup');
  }
}

export function doctorReport(checks: DoctorCheck[], host: Host, startedAt: Date): DoctorReport {
  return { schema: 'goshawk.report.doctor/1', startedAt: startedAt.toISOString(), host, checks };
}

const MARKS = { ok: ' ok ', warn: 'warn', fail: 'FAIL' } as const;

/** The findings for a terminal: one line each, with the fix below if there is one. */
export function formatChecks(checks: readonly DoctorCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(({ name, status, finding, fix }) => {
      const line = `[${MARKS[status]}] ${name.padEnd(width)}  ${finding}`;
      return fix === null ? line : `${line}\n${' '.repeat(width + 9)}fix: ${fix}`;
    })
    .join('\n');
}
