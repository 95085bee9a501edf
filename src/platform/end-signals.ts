/**
 * Handles SIGINT and SIGTERM, with which terminals and service managers ask a process to end, with this function only
 * from now on.
 * @param onSignal gets the number of signals so far, from 1
 */
export function onEndSignal(onSignal: (count: number) => void): void {
  let count = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      count += 1;
      onSignal(count);
    });
  }
}
