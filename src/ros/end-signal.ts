import { onEndSignal } from '../platform/end-signals.ts';

/**
 * Resolves at the first SIGINT or SIGTERM. The handlers stay for good, so that a second signal does not end
 * the process with work in progress. Called before anything large is loaded: a signal meanwhile ends the node in
 * order as well.
 */
export function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    onEndSignal(() => resolve());
  });
}
