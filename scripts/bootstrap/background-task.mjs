// Runs or prepares one group of tests for the process that started this one (background.mjs), and ends with it.
import { writeFileSync } from 'node:fs';
import { countsOf } from './group-counts.mjs';
import { endTree } from './process-tree.mjs';

/**
 * @typedef {object} Task
 * @property {string} source module that exports `GROUPS`
 * @property {string} name of the group
 * @property {'run' | 'prepare'} part
 * @property {import('./test-groups.mjs').Context} context
 * @property {number} niceness of this session
 */

/** @param {Task} task */
async function perform({ source, name, part, context, niceness }) {
  try {
    writeFileSync('/proc/self/autogroup', String(niceness));
  } catch {
    // the kernel shares the processor among processes, which have a priority themselves
  }
  /** @type {unknown} */
  const loaded = await import(source);
  const { GROUPS } = /** @type {typeof import('./test-groups.mjs')} */ (loaded);
  const group = GROUPS.find((each) => each.name === name);
  if (group === undefined) throw new Error(`there is no group ${name}`);
  if (part === 'run') {
    const counts = await countsOf(group, context);
    process.send?.(counts, end);
  } else {
    await group.prepare?.(context);
    end();
  }
}

/** Ends this process and what it left behind. */
function end() {
  endTree(process.pid);
  process.exit();
}

process.once('message', (task) => void perform(/** @type {Task} */ (task)));
process.once('disconnect', end);
