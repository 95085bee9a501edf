/**
 * Handles SIGINT, SIGTERM and SIGHUP with this function only from now on: with them terminals (on Ctrl-C, and when they
 * are closed) and service managers ask a process to end.
 * @param onSignal gets the number of signals so far, from 1
 */
export function onEndSignal(onSignal: (count: number) => void): void {
  let count = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      count += 1;
      onSignal(count);
    });
  }
}
