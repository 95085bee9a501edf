/** What ends a command. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** Ends the command after this time; `undefined` for never. Called once its work has begun, so that loading takes nothing of the time. */
  readonly endAfter: (seconds: number | undefined) => void;
  /** takes the handlers away */
  readonly release: () => void;
}

/**
 * One signal for every way to end: SIGINT, SIGTERM, or the time given to `endAfter`. A second Ctrl-C ends the process at once, for those
 * who cannot wait.
 */
export function stopSignal(): StopSignal {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
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
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
    },
  };
}
