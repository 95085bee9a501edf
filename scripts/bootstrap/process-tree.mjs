import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Entry
 * @property {number} pid
 * @property {number} parent
 * @property {number} session number of the process that began it
 */

/** @returns {Entry[]} all processes, zombies too */
function allProcesses() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // the name in parentheses may contain spaces
        const [, parent = 0, , session = 0] = stat
          .slice(stat.lastIndexOf(')') + 2)
          .split(' ')
          .map(Number);
        return [{ pid: Number(name), parent, session }];
      } catch {
        return []; // ended meanwhile
      }
    });
}

/**
 * Reads /proc.
 * @param {number} root
 * @returns {number[]} it, what it started, what these started, and what is left of its session without a parent
 */
export function treeOf(root) {
  const all = allProcesses();
  const tree = new Set(
    all.filter(({ pid, session }) => pid === root || session === root).map(({ pid }) => pid),
  );
  // a set goes on with what is added to it meanwhile
  for (const member of tree) {
    for (const { pid, parent } of all) if (parent === member) tree.add(pid);
  }
  return [...tree];
}

/** @param {number} pid negative for a group @param {NodeJS.Signals} signal */
function signal(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // ended meanwhile
  }
}

/**
 * Ends a process that leads its own session, and everything it started, also in other sessions, before this returns.
 * This process itself is left out.
 * @param {number} root
 */
export function endTree(root) {
  if (!existsSync('/proc/self/stat')) {
    signal(-root, 'SIGKILL');
    return;
  }
  // stopped first, so that none starts another one meanwhile
  /** @type {Set<number>} */
  const stopped = new Set();
  for (;;) {
    const running = treeOf(root).filter((pid) => pid !== process.pid && !stopped.has(pid));
    if (running.length === 0) break;
    for (const pid of running) {
      signal(pid, 'SIGSTOP');
      stopped.add(pid);
    }
  }
  for (const pid of stopped) signal(pid, 'SIGKILL');
}
