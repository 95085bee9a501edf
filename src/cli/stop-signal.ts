import { GoshawkError } from '../contract/errors.ts';

/** What ends a command. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /**
   * Ends the command after this time; `undefined` for never. Called once its work has begun, so that loading
   * takes nothing of the time.
   */
  readonly endAfter: (seconds: number | undefined) => void;
  /** Called when the command has ended: signals change nothing from then on. */
  readonly release: () => void;
}

/** Signals from which on a command that does not end is ended by force. */
const FORCE_AT = 3;
/** Exit code of a process that Ctrl-C ended, as shells have it. */
const EXIT_FORCED = 130;

/**
 * One signal for every way to end: SIGINT, SIGTERM, or the time given to `endAfter`. A second Ctrl-C, which
 * people press at once, changes nothing but says so; a third ends the process without a report, with exit
 * code 130, for those who cannot wait.
 *
 * The handlers stay until the process is gone: without them a signal in its last moments would end it by
 * signal, after all went well.
 * @param what command that was interrupted, for a command whose result is lost then: the reason of `signal`
 *   is GOSHAWK_INTERRUPTED
 */
export function stopSignal(what?: string): StopSignal {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let signals = 0;
  let isOver = false;
  const stop = (): void => {
    if (isOver) return;
    signals += 1;
    if (signals === 1)
      controller.abort(what === undefined ? undefined : new GoshawkError('GOSHAWK_INTERRUPTED', { what }));
    else if (signals < FORCE_AT) process.stderr.write('ending; once more ends at once and writes nothing\n');
    else process.exit(EXIT_FORCED);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    endAfter: (seconds) => {
      if (seconds !== undefined) timer = setTimeout(() => controller.abort(), seconds * 1000);
    },
    release: () => {
      clearTimeout(timer);
      isOver = true;
    },
  };
}
