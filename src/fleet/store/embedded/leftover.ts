import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoshawkError } from '../../../contract/errors.ts';
import { errorText } from '../../../platform/error-text.ts';
import { readPostmasterPid } from './postmaster-pid.ts';
import { servesFolder, startOfProcess } from './processes.ts';

/** Fast shutdown writes what memory holds to the disk first; an immediate one leaves that to recovery. */
const STEPS = [
  { signal: 'SIGINT', waitMs: 30_000 },
  { signal: 'SIGQUIT', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;
const LOOK_MS = 50;

/**
 * Ends the server that an earlier process left running when it was killed. A stale postmaster.pid whose number now
 * belongs to another program is removed: the server would take that program for itself.
 * @throws GoshawkError GOSHAWK_POSTGRES_IN_USE if it cannot be ended
 */
export async function endLeftover(folder: string, data: string, say: (line: string) => void): Promise<void> {
  const left = await readPostmasterPid(data);
  if (left === null) return;
  const { pid } = left;
  if (!(await servesFolder(pid, data))) {
    if ((await startOfProcess(pid)) !== null) await rm(join(data, 'postmaster.pid'), { force: true });
    return;
  }
  say(`an earlier run left PostgreSQL running (process ${pid}): ending it`);
  for (const { signal, waitMs } of STEPS) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (await servesFolder(pid, data))
        throw new GoshawkError('GOSHAWK_POSTGRES_IN_USE', { folder, pid }, { cause: errorText(error) });
    }
    const end = performance.now() + waitMs;
    while (performance.now() < end) {
      if (!(await servesFolder(pid, data))) return;
      await sleep(LOOK_MS);
    }
  }
  throw new GoshawkError('GOSHAWK_POSTGRES_IN_USE', { folder, pid });
}
