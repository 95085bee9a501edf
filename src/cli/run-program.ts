import { CommanderError } from 'commander';
import { describeError } from '../contract/errors.ts';
import { cacheCompiledCode } from '../platform/compile-cache.ts';
import { makeProgram } from './program.ts';

/** Exit code for wrong usage, as in shells and sysexits. */
const EXIT_USAGE = 2;

/** Runs the command that the arguments of this process name, and sets its exit code. */
export async function runProgram(): Promise<void> {
  // When Node exits by itself, it removes signal handlers before it tears down native libraries: a Ctrl-C in that time
  // would end the process by signal.
  process.once('beforeExit', () => {
    process.exit();
  });
  try {
    cacheCompiledCode();
    const program = await makeProgram(process.argv.slice(2));
    await program.parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
    } else {
      console.error(describeError(error));
      process.exitCode = 1;
    }
  }
}
