import { format } from 'node:util';
import createDebug from 'debug';

/** What can be enabled separately: `DEBUG=goshawk:inference,goshawk:sizing`, or `DEBUG=goshawk:*` for everything. */
export type DebugNamespace =
  'camera' | 'drops' | 'inference' | 'lifecycle' | 'mqtt' | 'parameters' | 'sizing';

export interface DebugLog {
  /** Logs a message, which is built only while its namespace is enabled. */
  (message: () => string): void;
  /** Check this first for what happens with every frame: a closure costs memory even if its message is never built. */
  readonly enabled: boolean;
}

/**
 * A log for debugging, silent unless enabled by `DEBUG` (https://www.npmjs.com/package/debug). Lines go to standard
 * error, or where `sendDebugTo` sends them. Never log a secret.
 */
export function debugLog(namespace: DebugNamespace): DebugLog {
  const print = createDebug(`goshawk:${namespace}`);
  const log = (message: () => string): void => {
    if (print.enabled) print('%s', message());
  };
  return Object.defineProperty(log, 'enabled', { get: () => print.enabled }) as DebugLog;
}

/**
 * Enables every namespace of Goshawk in this thread and passes each line to `write`. Threads that are started
 * afterwards write theirs to standard error.
 */
export function sendDebugTo(write: (line: string) => void): void {
  createDebug.log = (...parts: unknown[]) => {
    write(format(...parts));
  };
  createDebug.enable([process.env['DEBUG'] ?? '', 'goshawk:*'].filter((one) => one !== '').join(','));
}
