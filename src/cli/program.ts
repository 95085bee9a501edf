import { Command } from 'commander';
import { registerBench } from './bench.ts';
import { registerCapture } from './capture.ts';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { registerDrift } from './drift.ts';
import { registerEvaluate } from './evaluate.ts';
import { registerFleet } from './fleet.ts';
import { registerModels } from './models.ts';
import { registerOptimize } from './optimize.ts';
import { registerRun } from './run.ts';
import { registerSimulate } from './simulate.ts';
import { registerTelemetry } from './telemetry.ts';

/** Every command adds itself; a new one is its own file and one line here. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  registerBench,
  registerCapture,
  registerDemo,
  registerDoctor,
  registerDrift,
  registerEvaluate,
  registerFleet,
  registerModels,
  registerOptimize,
  registerRun,
  registerSimulate,
  registerTelemetry,
];

/** Makes the command `goshawk` with all its subcommands. Wrong usage throws a CommanderError. */
export function makeProgram(): Command {
  const program = new Command('goshawk')
    .description('Edge perception runtime: cameras in, tracked detections out.')
    .showHelpAfterError('(see "goshawk --help")')
    .exitOverride();
  for (const register of COMMANDS) register(program);
  return program;
}
