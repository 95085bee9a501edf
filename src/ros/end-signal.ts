import { onEndSignal } from '../platform/end-signals.ts';

/**
 * Resolves at the first SIGINT or SIGTERM. The handlers are never removed, so a second signal does not end the process
 * with work in progress. Called before anything large is loaded, so that a signal during loading ends the node cleanly
 * as well.
 */
export function endSignal(): Promise<void> {
  return new Promise((resolve) => onEndSignal(() => resolve()));
}
