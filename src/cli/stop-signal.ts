/**
 * One signal for every way to end: SIGINT, SIGTERM, or the end of `seconds` (null: never). A second Ctrl-C ends the process at once,
 * for those who cannot wait. `release` takes the handlers away.
 */
export function stopSignal(seconds: number | null): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const timer = seconds === null ? undefined : setTimeout(() => controller.abort(), seconds * 1000);
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
    },
  };
}
