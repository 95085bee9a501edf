import { readFile, readlink } from 'node:fs/promises';

/** When a process began, in ticks since the machine started; null if there is none. */
export async function startOfProcess(pid: number): Promise<string | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // the name in parentheses may contain anything
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // a zombie does nothing any more
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/** Whether a process is a PostgreSQL server that works in this folder. */
export async function servesFolder(pid: number, data: string): Promise<boolean> {
  try {
    const [cwd, command] = await Promise.all([
      readlink(`/proc/${pid}/cwd`),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    return cwd === data && command.includes('postgres') && (await startOfProcess(pid)) !== null;
  } catch {
    return false;
  }
}
