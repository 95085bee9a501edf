import { readdirSync, readFileSync } from 'node:fs';

/** Priorities of threads of this process, as `nice` counts (Linux), by the names that the system knows. */
export function priorities(): readonly (readonly [name: string, nice: number])[] {
  const ids = readdirSync('/proc/self/task');
  return ids.map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    // The second field is a name, which may contain spaces and parentheses; the 19th one is the priority.
    const [begin, end] = [stat.indexOf('('), stat.lastIndexOf(')')];
    return [stat.slice(begin + 1, end), Number(stat.slice(end + 2).split(' ')[16])];
  });
}
