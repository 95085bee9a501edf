import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment } from '../../../platform/child-environment.ts';
import { readCommand } from '../../../platform/child-process.ts';

/** Space of a file system, bytes. */
export interface Space {
  readonly total: number;
  /** space available to an ordinary user */
  readonly free: number;
}

/**
 * Everything that the checks read, so that tests can simulate a machine with faults. Nothing here throws:
 * what cannot be determined is undefined.
 */
export interface Probe {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nodeVersion: string;
  /** the program that runs this */
  readonly node: string;
  readonly cores: number;
  /** where Goshawk is installed */
  readonly home: string;
  readText(file: string): string | undefined;
  exists(place: string): boolean;
  /** names in a folder, sorted; empty if there is none */
  list(folder: string): string[];
  space(folder: string): Space | undefined;
  /** standard output of a short command that succeeded */
  run(command: string, args: readonly string[]): string | undefined;
  /** milliseconds that should never run backwards */
  monotonicMs(): number;
  /** milliseconds since 1970 */
  wallMs(): number;
  wait(ms: number): Promise<void>;
}

const COMMAND_TIMEOUT_MS = 10_000;

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The machine this runs on. */
export function systemProbe(home: string): Probe {
  return {
    env: process.env,
    nodeVersion: process.versions.node,
    node: process.execPath,
    cores: availableParallelism(),
    home,
    readText: (file) => orUndefined(() => readFileSync(file, 'utf8')),
    exists: existsSync,
    list: (folder) => orUndefined(() => readdirSync(folder).sort()) ?? [],
    space: (folder) =>
      orUndefined(() => {
        const { bsize, blocks, bavail } = statfsSync(folder);
        return { total: bsize * blocks, free: bsize * bavail };
      }),
    run: (command, args) => readCommand(command, args, childEnvironment(), COMMAND_TIMEOUT_MS),
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    wait: async (ms) => {
      await sleep(ms);
    },
  };
}
