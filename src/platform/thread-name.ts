import { readFileSync, writeFileSync } from 'node:fs';

/** Names of threads begin with it; what follows is a key of `cpuByThread`. */
export const THREAD_PREFIX = 'gh-';

/** The work of a thread. */
type ThreadRole = 'inference' | 'telemetry' | 'ros' | 'color' | 'camera';

/** of the calling thread (Linux) */
const FILE = '/proc/thread-self/comm';

/**
 * Names the calling thread for `top -H` and the CPU stats (Linux; no effect elsewhere). Threads that native libraries
 * start from it later have the same name. Node's own name of a worker does not reach the system.
 */
export function nameThread(role: ThreadRole): void {
  setName(`${THREAD_PREFIX}${role}`);
}

/** Names the threads that native libraries start meanwhile from the calling one, which gets its name back. */
export function nameThreadsOf<T>(role: ThreadRole, work: () => T): T {
  const before = readName();
  nameThread(role);
  try {
    return work();
  } finally {
    if (before !== null) setName(before);
  }
}

function readName(): string | null {
  try {
    return readFileSync(FILE, 'utf8').trim();
  } catch {
    return null;
  }
}

function setName(name: string): void {
  try {
    writeFileSync(FILE, name);
  } catch {
    // A system without /proc shows the threads as one.
  }
}
