import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** When a process was started, in clock ticks since boot; empty if it is gone or the system does not say. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // the name in parentheses may hold spaces
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** True if the process that took a lock is still there: a number alone may be another program's by now. */
async function isAlive(pid: number, start: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await startOf(pid)) === start;
}

/**
 * Takes a lock file that names this process. A lock whose process is gone (a kill, a power cut) is taken over.
 * @returns null if it is taken, else the number of the process that has it
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
    // an empty file is one that its owner is about to write, or that a full disk left
    if (pid !== '' || attempt >= 5) await rm(file, { force: true });
    else await sleep(20);
  }
  return 0;
}

/** Lets go of a lock that this process took. */
export async function unlock(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** Does work while it holds a lock, waiting for another process that has it. Rejects where it is told to stop. */
export async function withLock<T>(file: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  while ((await tryLock(file)) !== null) await sleep(500, undefined, { signal });
  try {
    return await work();
  } finally {
    await unlock(file);
  }
}
