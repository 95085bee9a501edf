import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { capture } from './run.mjs';

/**
 * How a program is started that lets others go first.
 * @typedef {object} Priority
 * @property {readonly string[]} wrapper goes before the program and its arguments
 * @property {number} niceness of its session, where the kernel shares the processor among sessions (autogroups)
 */

/** @param {readonly string[]} wrapper @returns {readonly string[]} nothing if this system cannot do that */
const ifPossible = ([program = '', ...args]) =>
  capture(program, [...args, 'true']) === undefined ? [] : [program, ...args];

/** @returns {Priority} for what only computes: it gets what others leave, which may be nothing for minutes */
export function idlePriority() {
  const idle = ifPossible(['chrt', '-i', '0']);
  return {
    wrapper: [...(idle.length > 0 ? idle : ['nice', '-n', '19']), ...ifPossible(['ionice', '-c', '3'])],
    niceness: 19,
  };
}

/** @type {Priority} For what talks to servers, which do not wait for ever: a tenth of a busy processor. */
export const LOW_PRIORITY = { wrapper: ['nice', '-n', '10'], niceness: 10 };

/**
 * Lets processes that were started at a lower priority have processor time as any other, as far as this user may: who
 * is not root only can where the kernel shares the processor among sessions.
 * @param {readonly number[]} pids of one session, that of the first
 */
export function endYielding(pids) {
  try {
    writeFileSync(`/proc/${pids[0]}/autogroup`, '0');
  } catch {
    // it has ended, or the kernel does not
  }
  for (const pid of pids.map(String)) {
    capture('chrt', ['-a', '-o', '-p', '0', pid]);
    capture('renice', ['0', '-p', pid]);
  }
}

/** Two groups at once need this much, bytes. */
const LEAST_MEMORY = 6e9;

/** @param {string} file @returns {string} */
function textOf(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * @returns {number} processors' worth of time that the control groups of this process may use; Infinity without a limit
 */
function quota() {
  const [, own = '/'] = /^0::(.*)$/m.exec(textOf('/proc/self/cgroup')) ?? [];
  const levels = own.split('/').map((_, at, names) => names.slice(0, at + 1).join('/'));
  const limits = [
    ...['', ...levels].map((level) => textOf(`/sys/fs/cgroup${level}/cpu.max`)),
    // the first version of control groups
    ['quota', 'period'].map((name) => textOf(`/sys/fs/cgroup/cpu/cpu.cfs_${name}_us`)).join(' '),
  ].map((limit) => {
    const [time = NaN, period = NaN] = limit.split(' ').map(Number);
    return time > 0 && period > 0 ? time / period : Infinity;
  });
  return Math.min(...limits);
}

/** @returns {number} bytes */
const memory = () => Math.min(os.totalmem(), process.constrainedMemory() || Infinity);

/**
 * @param {{ cores?: number, limit?: number, bytes?: number }} [machine]
 * @returns {string | undefined} why nothing should run beside tests that wait; undefined if it can
 */
export function obstacleToBackground({ cores = os.cpus().length, limit = quota(), bytes = memory() } = {}) {
  if (cores < 2) return 'there is one core';
  // idle time counts too: the tests would be stopped for what runs beside them
  if (limit < cores) return `processor time is limited to ${limit.toFixed(1)} of ${cores} cores`;
  if (bytes < LEAST_MEMORY) return `there are ${(bytes / 1e9).toFixed(1)} GB of memory`;
  return undefined;
}
