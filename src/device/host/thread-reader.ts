import { THREAD_PREFIX } from '../../platform/thread-name.ts';

/** Ticks of CPU time per second, as the kernel counts for user space on every Linux. */
const TICKS_PER_SECOND = 100;

/** A thread, or a child process, and the CPU time that it has used. */
interface ThreadTime {
  readonly role: string;
  readonly ticks: number;
}

/** CPU times at one instant, by id of thread or child process: those that end take their time along. */
export interface ThreadTimes {
  readonly atMs: number;
  readonly threads: ReadonlyMap<string, ThreadTime>;
}

/** Before anything was read. */
export const NO_TIMES: ThreadTimes = { atMs: 0, threads: new Map() };

/**
 * Ticks of the threads of a process, by their work: proc(5), `/proc/PID/task/TID/stat`. A child process whose main
 * thread is named after its work counts there as a whole.
 * @param threads names in `/proc/PID/task`
 * @param read reads a file by its path from /proc/PID; undefined if there is none
 */
export function readThreadTimes(
  threads: readonly string[],
  read: (file: string) => string | undefined,
  atMs: number,
): ThreadTimes {
  const times = new Map<string, ThreadTime>();
  const main = /^\d+/.exec(read('stat') ?? '')?.[0];
  for (const thread of threads) {
    const own = statOf(read(`task/${thread}/stat`));
    if (own !== null)
      times.set(thread, { role: thread === main ? 'main' : (own.role ?? 'other'), ticks: own.ticks });
    for (const child of read(`task/${thread}/children`)?.match(/\d+/g) ?? []) {
      const other = statOf(read(`../${child}/stat`));
      if (other !== null && other.role !== null) times.set(child, { role: other.role, ticks: other.ticks });
    }
  }
  return { atMs, threads: times };
}

/** The work of a thread, or of a process by the name of its main thread, and its ticks; null for what is gone. */
function statOf(text = ''): { readonly role: string | null; readonly ticks: number } | null {
  const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(text) ?? [];
  const fields = rest.split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const role = name.startsWith(THREAD_PREFIX) ? name.slice(THREAD_PREFIX.length) : null;
  return Number.isFinite(ticks) ? { role, ticks } : null;
}

/** Cores in use between two instants, by the work of threads, of those that are still there. */
export function coresBetween(before: ThreadTimes, now: ThreadTimes): Record<string, number> {
  const seconds = (now.atMs - before.atMs) / 1000;
  if (seconds <= 0) return {};
  const used = new Map<string, number>();
  for (const [id, { role, ticks }] of now.threads) {
    const more = Math.max(0, ticks - (before.threads.get(id)?.ticks ?? 0));
    used.set(role, (used.get(role) ?? 0) + more);
  }
  return Object.fromEntries(
    [...used].map(([role, ticks]) => [
      role,
      Math.round((ticks / TICKS_PER_SECOND / seconds) * 10_000) / 10_000,
    ]),
  );
}
