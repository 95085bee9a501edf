import { THREAD_PREFIX } from '../../platform/thread-name.ts';

/** Ticks of CPU time per second, as the kernel counts for user space on every Linux. */
const TICKS_PER_SECOND = 100;

/** CPU time by the work of threads at one instant. */
export interface ThreadTimes {
  readonly atMs: number;
  readonly ticks: ReadonlyMap<string, number>;
}

/**
 * Ticks of the threads of this process, by their work: proc(5), `/proc/self/task/TID/stat`.
 * @param read reads a file below /proc/self; undefined if there is none
 */
export function readThreadTimes(
  threads: readonly string[],
  read: (file: string) => string | undefined,
  atMs: number,
): ThreadTimes {
  const ticks = new Map<string, number>();
  const main = /^\d+/.exec(read('stat') ?? '')?.[0];
  for (const thread of threads) {
    const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(read(`task/${thread}/stat`) ?? '') ?? [];
    const fields = rest.split(' ');
    const used = Number(fields[11]) + Number(fields[12]);
    if (!Number.isFinite(used)) continue;
    const role =
      thread === main ? 'main' : name.startsWith(THREAD_PREFIX) ? name.slice(THREAD_PREFIX.length) : 'other';
    ticks.set(role, (ticks.get(role) ?? 0) + used);
  }
  return { atMs, ticks };
}

/** Cores in use between two instants, by the work of threads. Threads that ended meanwhile take their time along. */
export function coresBetween(before: ThreadTimes, now: ThreadTimes): Record<string, number> {
  const seconds = (now.atMs - before.atMs) / 1000;
  if (seconds <= 0) return {};
  return Object.fromEntries(
    [...now.ticks].map(([role, ticks]) => {
      const used = Math.max(0, ticks - (before.ticks.get(role) ?? 0));
      return [role, Math.round((used / TICKS_PER_SECOND / seconds) * 10_000) / 10_000];
    }),
  );
}
