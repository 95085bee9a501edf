import type { Probe, Space } from '../../../src/tools/doctor/checks/probe.ts';

/** A machine as a test describes it. */
export interface Machine {
  readonly env?: Record<string, string>;
  readonly nodeVersion?: string;
  readonly cores?: number;
  readonly files?: Record<string, string>;
  readonly spaces?: Record<string, Space>;
  /** standard output by command line */
  readonly commands?: Record<string, string>;
  /** wall clock at each reading; the last one stays */
  readonly wall?: readonly number[];
  /** monotonic clock at each reading; the last one stays */
  readonly monotonic?: readonly number[];
}

export const HOME = '/home/robot/goshawk';

function reader(values: readonly number[]): () => number {
  let next = 0;
  return () => values[Math.min(next++, values.length - 1)] ?? 0;
}

/** A probe that knows only what the test describes. */
export function fakeProbe(machine: Machine): Probe {
  const files = machine.files ?? {};
  return {
    env: machine.env ?? {},
    node: 'node',
    nodeVersion: machine.nodeVersion ?? '24.1.0',
    cores: machine.cores ?? 4,
    home: HOME,
    readText: (file) => files[file],
    exists: (place) => place in files,
    list: (folder) => {
      const names = Object.keys(files)
        .filter((file) => file.startsWith(`${folder}/`))
        .map((file) => file.slice(folder.length + 1).split('/')[0] ?? '');
      return [...new Set(names)].sort();
    },
    space: (folder) => machine.spaces?.[folder],
    run: (command, args) => machine.commands?.[[command, ...args].join(' ')],
    monotonicMs: reader(machine.monotonic ?? [0]),
    wallMs: reader(machine.wall ?? [Date.UTC(2026, 0, 1)]),
    wait: () => Promise.resolve(),
  };
}
