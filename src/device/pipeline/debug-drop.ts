import type { DropReason } from '../../contract/drops.ts';
import { debugLog } from '../../platform/debug.ts';

const debug = debugLog('drops');

/**
 * Logs one line per dropped frame, for `DEBUG=goshawk:drops`; allocates nothing otherwise.
 * @param sequence null for a frame that was refused before it got one
 */
export function debugDrop(camera: string, sequence: number | null, reason: DropReason): void {
  if (debug.enabled) write(camera, sequence, reason);
}

/** A separate function: variables that a closure captures are allocated when the function is entered. */
function write(camera: string, sequence: number | null, reason: DropReason): void {
  debug(() => `${camera} ${sequence === null ? 'refused' : `frame ${sequence}`}: ${reason}`);
}
