import { describeError } from '../contract/errors.ts';
import { splitRosArguments, type RosArguments } from './arguments.ts';
import { rcl } from './rcl.ts';

/** A node that runs until it is stopped. */
export interface RosProgram {
  /** Finishes work in progress, destroys the node. Called once. */
  stop(): Promise<void>;
  /** Resolves if the program ends by itself. */
  readonly ended?: Promise<void>;
}

/** How long stopping may take before the rest is abandoned: launch sends SIGTERM 5 s after SIGINT. */
const STOP_MS = 4_500;
/** How long the event loop may then take to empty. */
const EMPTY_MS = 2_000;

/**
 * Runs a ROS program as a whole process: init, start, wait for `endSignal`, stop, shut down, and let the event loop
 * empty. `process.exit` with a live node ends in a segmentation fault, so it is only the last resort, after the node is
 * destroyed.
 */
export async function runRosProcess(
  endSignal: Promise<void>,
  start: (args: RosArguments, ending: AbortSignal) => Promise<RosProgram>,
): Promise<void> {
  // rclnodejs handles only SIGINT, and destroys the context under a node that is still working.
  rcl.removeSignalHandlers();
  const ended = Promise.race([endSignal, failure()]);
  const ending = new AbortController();
  void ended.then(() => ending.abort());
  let program: RosProgram | undefined;
  try {
    const args = splitRosArguments(process.argv);
    await rcl.init(rcl.Context.defaultContext(), [...args.forRcl]);
    program = await start(args, ending.signal);
    await Promise.race([ended, ...(program.ended === undefined ? [] : [program.ended])]);
  } catch (error) {
    fail(error);
  }
  await stopWithin(program, STOP_MS);
  if (!rcl.isShutdown()) rcl.shutdown();
  leaveWhenEmpty();
}

/** Resolves at the first failure that nobody caught. */
function failure(): Promise<void> {
  return new Promise((resolve) => {
    const onFailure = (error: unknown): void => {
      fail(error);
      resolve();
    };
    process.on('uncaughtException', onFailure);
    process.on('unhandledRejection', onFailure);
  });
}

async function stopWithin(program: RosProgram | undefined, ms: number): Promise<void> {
  if (program === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      fail(new Error(`stopping took longer than ${ms} ms`));
      resolve();
    }, ms);
  });
  try {
    await Promise.race([program.stop(), timeout]);
  } catch (error) {
    fail(error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Ends the process once nothing is open. If Node exits by itself, it removes its signal handlers first and then tears
 * everything down, which takes some tenths of a second with these libraries: a second Ctrl-C in that time would end the
 * process by signal, and a supervisor would see a crash. `process.exit` keeps the handlers.
 */
function leaveWhenEmpty(): void {
  process.once('beforeExit', () => process.exit());
  setTimeout(() => {
    process.stderr.write(`still open at exit: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit();
  }, EMPTY_MS).unref();
}

function fail(error: unknown): void {
  process.exitCode = 1;
  process.stderr.write(`${describeError(error)}\n`);
  if (error instanceof Error && error.name !== 'GoshawkError' && error.stack !== undefined) {
    process.stderr.write(`${error.stack}\n`);
  }
}
