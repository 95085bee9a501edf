import { expect, it } from 'vitest';
import { launchersFor } from '../../../src/tools/faults/cores.ts';
import { frameLatency } from '../../../src/tools/faults/frames.ts';
import { planPhases } from '../../../src/tools/faults/phases.ts';

it('latency of frames: without faults, during them, then without telemetry, and never in between', () => {
  const log =
    '1000 10.00 20.00\n2000 30.00\n2500 900.00\n4000 45.00 15.00\n6000 30.00\n9000 900.00\n10000 60.00\n4000 7';
  const spans = [
    { kind: 'calm', from: 0, to: 2_000 },
    { kind: 'faults', from: 3_000, to: 5_000 },
    { kind: 'control', from: 5_500, to: 6_000 },
    { kind: 'faults', from: 9_500, to: 10_000 },
  ] as const;
  expect(frameLatency(log, spans)).toEqual({
    unfaulted: { count: 3, p50Ms: 20, p99Ms: 30 },
    faulted: { count: 3, p50Ms: 45, p99Ms: 60 },
    p99Ratio: 2,
    control: { count: 1, p50Ms: 30, p99Ms: 30 },
    controlP99Ratio: 2,
  });
  expect(frameLatency('', [])).toMatchObject({ p99Ratio: null, control: null, controlP99Ratio: null });
});

it('phases take turns, and have all faults and all of the time without them', () => {
  const kinds = (...options: Parameters<typeof planPhases>): string =>
    planPhases(...options)
      .map(({ kind, faults, seconds }) => `${kind} ${faults || seconds}`)
      .join(', ');
  expect(kinds({ faults: 25, calmSeconds: 30, hasControl: true })).toBe(
    'calm 10, faults 8, control 8, calm 10, faults 8, control 8, calm 10, faults 9, control 9',
  );
  expect(kinds({ faults: 3, calmSeconds: 6, hasControl: false })).toBe('calm 6, faults 3');
  expect(kinds({ faults: 200, calmSeconds: 0, hasControl: false })).toBe('faults 200');
});

it('the robot has the first of the allowed cores, the fleet the others; one core is shared', () => {
  expect(launchersFor('Cpus_allowed_list:\t2-4,9\n')).toEqual({
    robot: ['taskset', '--cpu-list', '2'],
    fleet: ['nice', '-n', '19', 'taskset', '--cpu-list', '3,4,9'],
    move: ['taskset', '--all-tasks', '--cpu-list', '--pid', '3,4,9'],
  });
  for (const status of ['Cpus_allowed_list:\t3\n', ''])
    expect(launchersFor(status)).toEqual({ robot: [], fleet: ['nice', '-n', '19'], move: [] });
});
