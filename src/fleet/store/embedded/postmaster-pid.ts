import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The state that a server writes to its data folder. */
export interface Postmaster {
  readonly pid: number;
  /** it takes connections; false while it starts, recovers or ends */
  readonly isReady: boolean;
}

/** postmaster.pid, whose lines are those of `miscadmin.h`: 1 the process, 8 the status. */
export function parsePostmasterPid(text: string): Postmaster | null {
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return { pid, isReady: lines[7]?.trim() === 'ready' };
}

/** Null if no server runs, or one was interrupted before it wrote the file. */
export async function readPostmasterPid(data: string): Promise<Postmaster | null> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  return parsePostmasterPid(text);
}
