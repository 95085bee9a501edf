import type { Command } from 'commander';
import { addCommands, type CommandRow } from './kit/command-rows.ts';

/** Folder of the embedded database. */
const DEFAULT_FOLDER = '.goshawk/fleet';

const COMMANDS: readonly CommandRow[] = [
  {
    names: ['serve'],
    add: async (parent) => (await import('./fleet-serve.ts')).registerFleetServe(parent, DEFAULT_FOLDER),
  },
  {
    names: ['ledger'],
    add: async (parent) => (await import('./fleet-ledger.ts')).registerFleetLedger(parent, DEFAULT_FOLDER),
  },
  {
    names: ['quarantine'],
    add: async (parent) =>
      (await import('./fleet-quarantine.ts')).registerFleetQuarantine(parent, DEFAULT_FOLDER),
  },
  {
    names: ['token'],
    add: async (parent) => (await import('./fleet-token.ts')).registerFleetToken(parent, DEFAULT_FOLDER),
  },
  {
    names: ['audit'],
    add: async (parent) => (await import('./fleet-audit.ts')).registerFleetAudit(parent, DEFAULT_FOLDER),
  },
  {
    names: ['triage'],
    add: async (parent) => (await import('./fleet-triage.ts')).registerFleetTriage(parent, DEFAULT_FOLDER),
  },
  {
    names: ['faults'],
    add: async (parent) => (await import('./fleet-faults.ts')).registerFleetFaults(parent),
  },
  { names: ['load'], add: async (parent) => (await import('./fleet-load.ts')).registerFleetLoad(parent) },
  { names: ['bench'], add: async (parent) => (await import('./fleet-bench.ts')).registerFleetBench(parent) },
];

/** Adds `goshawk fleet`. */
export async function registerFleet(program: Command, words: readonly string[]): Promise<void> {
  const fleet = program.command('fleet').description("the fleet's end of telemetry: receive, store, account");
  await addCommands(fleet, COMMANDS, words);
}
