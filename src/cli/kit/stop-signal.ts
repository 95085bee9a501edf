import { GoshawkError } from '../../contract/errors.ts';
import { onEndSignal } from '../../platform/end-signals.ts';

/** What ends a command. */
export interface Stop {
  readonly signal: AbortSignal;
  /**
   * Ends the command after this time; `undefined` for never. Called once its work has begun, so that loading
   * takes nothing of the time.
   */
  readonly endAfter: (seconds: number | undefined) => void;
}

/** Signals from which on a command that does not end is ended by force. */
const FORCE_AT = 3;
/** Exit code of a process that Ctrl-C ended, as shells have it. */
const EXIT_FORCED = 130;

/**
 * Does the work of a command until it is done or told to end: by SIGINT, by SIGTERM, or after the time given to
 * `endAfter`. A second Ctrl-C, which people press at once, changes nothing but says so; a third ends the process
 * without a report, with exit code 130, for those who cannot wait.
 *
 * The handlers stay until the process is gone, doing nothing: without them a signal in its last moments would end
 * it by signal, after all went well.
 * @param what command that was interrupted, for a command whose result is lost then: the reason of the signal is
 *   GOSHAWK_INTERRUPTED; null for one that ends in order
 */
export async function untilStopped<T>(what: string | null, work: (stop: Stop) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  onEndSignal((count) => {
    if (isOver) return;
    if (count >= FORCE_AT) process.exit(EXIT_FORCED);
    if (count > 1) process.stderr.write('ending; once more ends at once and writes nothing\n');
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
