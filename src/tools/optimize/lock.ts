import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Start time of a process in clock ticks since boot; empty if it is gone or the system does not report it.
 */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // the name in parentheses may contain spaces
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/**
 * True if the process that took a lock still exists. Its number alone may have been reused by another
 * program.
 */
async function isAlive(pid: number, start: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await startOf(pid)) === start;
}

/**
 * Acquires a lock file that names this process. A lock whose process is gone (a kill, a power cut) is taken
 * over.
 * @returns null if acquired, else the number of the process that holds it
 */
export async function tryLock(file: string): Promise<number | null> {
  const own = `${process.pid} ${await startOf(process.pid)}`;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    try {
      await writeFile(file, own, { flag: 'wx' });
      return null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid = '', start = ''] = (await readFile(file, 'utf8').catch(() => '')).split(' ');
    if (pid !== '' && (await isAlive(Number(pid), start))) return Number(pid);
    // an empty file is about to be written by its owner, or was left by a full disk
    if (pid !== '' || attempt >= 5) await rm(file, { force: true });
    else await sleep(20);
  }
  return 0;
}

/** Releases a lock of this process. */
export async function unlock(file: string): Promise<void> {
  await rm(file, { force: true });
}

/**
 * Runs `work` while holding a lock, after waiting for another process that holds it. Rejects if the signal
 * aborts the wait.
 */
export async function withLock<T>(file: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  while ((await tryLock(file)) !== null) await sleep(500, undefined, { signal });
  try {
    return await work();
  } finally {
    await unlock(file);
  }
}
