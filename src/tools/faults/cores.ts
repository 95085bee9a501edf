import { readFileSync } from 'node:fs';
import { childEnvironment } from '../../platform/child-environment.ts';
import { runChild } from '../../platform/child-process.ts';

/** What runs a program on some cores only, with its arguments. */
export interface CoreLaunchers {
  readonly robot: readonly string[];
  readonly fleet: readonly string[];
  /** what moves a process to the cores of the fleet, but for its id */
  readonly move: readonly string[];
}

/** Of two machines, one does not take time from the other. */
const LAST = ['nice', '-n', '19'] as const;

/**
 * The first core for the robot and the others for the fleet, as if they were machines; one core is shared, and the
 * fleet then gets what the robot leaves.
 */
export function launchersFor(status = readFileSync('/proc/self/status', 'utf8')): CoreLaunchers {
  const [robot, ...fleet] = coresIn(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
  if (robot === undefined || fleet.length === 0) return { robot: [], fleet: LAST, move: [] };
  const on = (cores: readonly number[]): readonly string[] => ['taskset', '--cpu-list', cores.join(',')];
  return {
    robot: on([robot]),
    fleet: [...LAST, ...on(fleet)],
    move: ['taskset', '--all-tasks', '--cpu-list', '--pid', fleet.join(',')],
  };
}

/** Moves this process, whose networks are the fleet's side, out of the robot's way; what it starts inherits that. */
export async function moveAside({ move: [command, ...args] }: CoreLaunchers): Promise<void> {
  if (command === undefined) return;
  await runChild({ command, args: [...args, String(process.pid)], env: childEnvironment() });
}

/** Of a list such as `0-3,8`. */
function coresIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    if (first === undefined || last === undefined || Number.isNaN(first + last)) return [];
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}
