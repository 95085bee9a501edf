import { Command } from 'commander';
import { addCommands, type CommandRow } from './kit/command-rows.ts';

/** Every command adds itself; a new one is its own file and one line here. */
const COMMANDS: readonly CommandRow[] = [
  {
    names: ['bench'],
    add: async (parent, words) => (await import('./bench.ts')).registerBench(parent, words),
  },
  { names: ['capture'], add: async (parent) => (await import('./capture.ts')).registerCapture(parent) },
  { names: ['demo'], add: async (parent) => (await import('./demo.ts')).registerDemo(parent) },
  { names: ['doctor'], add: async (parent) => (await import('./doctor.ts')).registerDoctor(parent) },
  {
    names: ['drift'],
    add: async (parent, words) => (await import('./drift.ts')).registerDrift(parent, words),
  },
  { names: ['evaluate'], add: async (parent) => (await import('./evaluate.ts')).registerEvaluate(parent) },
  {
    names: ['fleet'],
    add: async (parent, words) => (await import('./fleet.ts')).registerFleet(parent, words),
  },
  {
    names: ['models'],
    add: async (parent, words) => (await import('./models.ts')).registerModels(parent, words),
  },
  { names: ['optimize'], add: async (parent) => (await import('./optimize.ts')).registerOptimize(parent) },
  { names: ['run'], add: async (parent) => (await import('./run.ts')).registerRun(parent) },
  { names: ['simulate'], add: async (parent) => (await import('./simulate.ts')).registerSimulate(parent) },
  { names: ['telemetry'], add: async (parent) => (await import('./telemetry.ts')).registerTelemetry(parent) },
];

/**
 * Makes the command `goshawk`. Wrong usage throws a CommanderError.
 * @param words the command line; without the commands that it does not name, or with all if it names none
 */
export async function makeProgram(words: readonly string[] = []): Promise<Command> {
  const program = new Command('goshawk')
    .description('Edge perception runtime: cameras in, tracked detections out.')
    .showHelpAfterError('(see "goshawk --help")')
    .exitOverride();
  await addCommands(program, COMMANDS, words);
  return program;
}
