#!/usr/bin/env node
import { CommanderError } from 'commander';
import { makeProgram } from './cli/program.ts';
import { describeError } from './contract/errors.ts';

/** Exit code of a command that was called wrongly, as shells and sysexits have it. */
const EXIT_USAGE = 2;

// Left to itself Node takes signal handlers away before it tears down native libraries: a Ctrl-C in that time
// would end the process by signal.
process.once('beforeExit', () => {
  process.exit();
});

try {
  await makeProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else {
    console.error(describeError(error));
    process.exitCode = 1;
  }
}
