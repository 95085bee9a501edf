import { GoshawkError } from '../../contract/errors.ts';
import { onEndSignal } from '../../platform/end-signals.ts';

/** How a command is stopped. */
export interface Stop {
  readonly signal: AbortSignal;
  /**
   * Stops the command after this time; `undefined` for never. Called once its work has started, so that loading does
   * not count.
   */
  readonly endAfter: (seconds: number | undefined) => void;
}

/** The signal that forces a command to exit if it does not. */
const FORCE_AT = 3;
/** Exit code of a process interrupted by Ctrl-C, as in shells. */
const EXIT_FORCED = 130;

/**
 * Does the work of a command until it is done or stopped: by SIGINT, by SIGTERM, or after the time given to `endAfter`.
 * A second Ctrl-C, which people press right after the first, only prints a message; a third ends the process without a
 * report, with exit code 130, for those who cannot wait.
 *
 * The handlers stay until the process is gone and do nothing: without them, a signal in its last moments would end it
 * by signal after everything went well.
 * @param what the interrupted command, if its result is then lost: the reason of the signal is GOSHAWK_INTERRUPTED;
 * null for one that ends normally
 */
export async function untilStopped<T>(what: string | null, work: (stop: Stop) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  onEndSignal((count) => {
    if (isOver) return;
    if (count >= FORCE_AT) process.exit(EXIT_FORCED);
    if (count > 1)
      process.stderr.write('stopping; press once more to exit immediately without writing anything\n');
    else controller.abort(what === null ? undefined : new GoshawkError('GOSHAWK_INTERRUPTED', { what }));
  });
  const endAfter = (seconds: number | undefined): void => {
    if (seconds !== undefined) timer = setTimeout(() => controller.abort(), seconds * 1000);
  };
  try {
    return await work({ signal: controller.signal, endAfter });
  } finally {
    clearTimeout(timer);
    isOver = true;
  }
}
