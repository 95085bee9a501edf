import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second in /proc/PID/stat, a constant of the Linux ABI for user space. */
const TICKS_PER_SECOND = 100;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // it ended meanwhile
    return '';
  }
}

/** proc(5): fields of /proc/PID/stat after the name, which may contain spaces; the first is the state. */
function statOf(pid: number): readonly string[] {
  return read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
}

function seconds(stat: readonly string[], from: number, to: number): number {
  return stat.slice(from, to).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

/** CPU of one process, user and system, seconds; 0 if it is gone. */
export function cpuSecondsOf(pid: number): number {
  return seconds(statOf(pid), 11, 13);
}

/** CPU of a process, of its children, and of those that it has waited for. */
export function cpuSecondsOfFamily(pid: number): number {
  const children = readdirSync('/proc')
    .map(Number)
    .filter((one) => one > 0 && Number(statOf(one)[1]) === pid);
  return children.reduce((sum, child) => sum + cpuSecondsOf(child), seconds(statOf(pid), 11, 15));
}

/** Highest resident memory of a process since it began, bytes; null if it is gone. */
export function peakBytesOf(pid: number): number | null {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1];
  return peak === undefined ? null : Number(peak) * 1024;
}
