#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { registerBench } from './cli/bench.ts';
import { registerEvaluate } from './cli/evaluate.ts';
import { registerDemo } from './cli/demo.ts';
import { registerDoctor } from './cli/doctor.ts';
import { registerModels } from './cli/models.ts';
import { registerOptimize } from './cli/optimize.ts';
import { registerRun } from './cli/run.ts';
import { registerSimulate } from './cli/simulate.ts';
import { describeError } from './contract/errors.ts';

/** Exit code of a command that was called wrongly, as shells and sysexits have it. */
const EXIT_USAGE = 2;

const program = new Command('goshawk')
  .description('Edge perception runtime: cameras in, tracked detections out.')
  .showHelpAfterError('(see "goshawk --help")')
  .exitOverride();

registerBench(program);
registerDemo(program);
registerDoctor(program);
registerEvaluate(program);
registerModels(program);
registerOptimize(program);
registerRun(program);
registerSimulate(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else {
    console.error(describeError(error));
    process.exitCode = 1;
  }
}
