import type { Command } from 'commander';
import { addCommands, type CommandRow } from './kit/command-rows.ts';

const COMMANDS: readonly CommandRow[] = [
  {
    names: ['headline'],
    add: async (parent) => (await import('./bench-headline.ts')).registerBenchHeadline(parent),
  },
  {
    names: ['outbox'],
    add: async (parent) => (await import('./bench-outbox.ts')).registerBenchOutbox(parent),
  },
  {
    names: ['telemetry'],
    add: async (parent) => (await import('./bench-telemetry.ts')).registerBenchTelemetry(parent),
  },
  {
    names: ['accuracy-estimate'],
    add: async (parent) => (await import('./bench-accuracy.ts')).registerBenchAccuracy(parent),
  },
  {
    names: ['capture'],
    add: async (parent) => (await import('./bench-capture.ts')).registerBenchCapture(parent),
  },
  { names: ['drift'], add: async (parent) => (await import('./bench-drift.ts')).registerBenchDrift(parent) },
  { names: ['swap'], add: async (parent) => (await import('./bench-swap.ts')).registerBenchSwap(parent) },
  {
    names: ['ros', 'peers'],
    add: async (parent) => (await import('./bench-ros.ts')).registerBenchRos(parent),
  },
];

/** Adds `goshawk bench ...`. */
export async function registerBench(program: Command, words: readonly string[]): Promise<void> {
  const bench = program.command('bench').description('measure this machine with Goshawk on it');
  await addCommands(bench, COMMANDS, words);
}
