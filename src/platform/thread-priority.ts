import { readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { constants, getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

/** A link to PID/task/TID of the thread that reads it (Linux). */
const SELF = '/proc/thread-self';

const { PRIORITY_BELOW_NORMAL } = constants.priority;

/**
 * Lets all threads of the normal priority go before the calling one, in this process and in others (Linux, where
 * setpriority(2) takes the number of a thread; no effect elsewhere). On a busy core it still gets a tenth of it. It
 * cannot be taken back without privileges.
 */
export async function yieldToOtherThreads(): Promise<void> {
  try {
    // The first request makes the threads of the process's pool, which have the priority of the thread that asks.
    await stat(SELF);
    const thread = Number(basename(readlinkSync(SELF)));
    setPriority(thread, Math.max(getPriority(thread), PRIORITY_BELOW_NORMAL));
  } catch {
    // A system without /proc, or one that forbids it: the thread is as important as the others.
  }
}
