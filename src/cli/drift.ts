import type { Command } from 'commander';
import { addCommands, type CommandRow } from './kit/command-rows.ts';

const COMMANDS: readonly CommandRow[] = [
  {
    names: ['reference'],
    add: async (parent) => (await import('./drift-reference.ts')).registerDriftReference(parent),
  },
  {
    names: ['replay'],
    add: async (parent) => (await import('./drift-replay.ts')).registerDriftReplay(parent),
  },
  {
    names: ['report'],
    add: async (parent) => (await import('./drift-report.ts')).registerDriftReport(parent),
  },
  { names: ['bench'], add: async (parent) => (await import('./drift-bench.ts')).registerDriftBench(parent) },
  {
    names: ['policy'],
    add: async (parent) => (await import('./drift-policy.ts')).registerDriftPolicy(parent),
  },
  { names: ['fit'], add: async (parent) => (await import('./drift-fit.ts')).registerDriftFit(parent) },
];

/** Adds `goshawk drift`. */
export async function registerDrift(program: Command, words: readonly string[]): Promise<void> {
  const drift = program
    .command('drift')
    .description('tell whether what a camera shows changed against a declared-good reference');
  await addCommands(drift, COMMANDS, words);
}
