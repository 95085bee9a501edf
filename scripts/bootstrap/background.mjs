import { spawn } from 'node:child_process';
import path from 'node:path';
import { endYielding, idlePriority, LOW_PRIORITY } from './background-priority.mjs';
import { ROOT } from './paths.mjs';
import { endTree, treeOf } from './process-tree.mjs';
import { showProgress } from './progress.mjs';
import { oneTest } from './test-results.mjs';

/** @typedef {import('./background-priority.mjs').Priority} Priority */
/** @typedef {import('./background-task.mjs').Task} Task */
/** @typedef {import('./test-groups.mjs').Context} Context */
/** @typedef {import('./test-groups.mjs').Group} Group */
/** @typedef {import('./test-results.mjs').Counts} Counts */

const TASK = path.join(import.meta.dirname, 'background-task.mjs');
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Prepares groups one after another, and beside that runs those that are prepared one after another, each in a process
 * of its own that lets others go first. These processes end when this one does, however it ends.
 */
export class Background {
  #source;
  #context;
  #idle;
  /** All preparations that were asked for so far, in turn. @type {Promise<void>} */
  #preparing = Promise.resolve();
  /** All groups that were asked for, in turn. @type {Promise<void>} */
  #runs = Promise.resolve();
  /** @type {Map<Group, Promise<void>>} */
  #preparations = new Map();
  /** Groups that have not begun. @type {Group[]} */
  #left = [];
  /** @type {Group | undefined} */
  #running;
  /** What prepares, and what runs a group. @type {Map<Task['part'], import('node:child_process').ChildProcess>} */
  #children = new Map();
  #isStarted = false;
  #isEnding = false;
  #onExit = () => this.stop();
  /** @param {NodeJS.Signals} signal */
  #onSignal = (signal) => {
    this.stop();
    // as without this listener
    process.kill(process.pid, signal);
  };

  /**
   * @param {string} source URL of the module that exports the groups as `GROUPS`
   * @param {Context} context
   * @param {Priority} [idle] of groups that run
   */
  constructor(source, context, idle = idlePriority()) {
    this.#source = source;
    this.#context = context;
    this.#idle = idle;
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    process.on('exit', this.#onExit);
  }

  /**
   * Begins to prepare groups. What fails is not reported: a group that runs does what is missing, and reports that.
   * @param {readonly Group[]} groups
   */
  prepare(groups) {
    for (const group of groups) {
      this.#preparing = this.#preparing.then(async () => {
        if (!this.#isEnding) await this.#perform(group, 'prepare', LOW_PRIORITY);
        this.#preparations.delete(group);
      });
      this.#preparations.set(group, this.#preparing);
    }
  }

  /**
   * Waits for a group's preparation, which need not let others go first meanwhile.
   * @param {Group} group
   * @returns {Promise<void>} resolves once nothing is being prepared for it
   */
  async prepared(group) {
    const preparation = this.#preparations.get(group);
    if (preparation === undefined) return;
    await showProgress(`[${group.name}] what it needs`, async (say) => {
      say('waiting until the background has installed it');
      this.#endYielding('prepare');
      await preparation;
    });
  }

  /**
   * Begins to run groups, each once it is prepared. Only the first call does.
   * @param {readonly Group[]} groups
   * @param {(group: Group, counts: Counts, output: string, minutes: number) => void} report
   */
  start(groups, report) {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#left = [...groups];
    this.#runs = this.#runInTurn(report);
  }

  /**
   * Waits for the group that runs, which need not let others go first any more.
   * @returns {Promise<readonly Group[]>} those that have not begun, and will not
   */
  async finish() {
    this.#isEnding = true;
    if (this.#running !== undefined) console.log(`\n== ${this.#running.name} still runs in the background`);
    this.#endYielding('prepare');
    this.#endYielding('run');
    await Promise.all([this.#preparing, this.#runs]);
    return this.#left;
  }

  /** Ends what runs, at once, and stays ended. */
  stop() {
    this.#isEnding = true;
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    process.off('exit', this.#onExit);
    for (const { pid } of this.#children.values()) if (pid !== undefined) endTree(pid);
  }

  /** @param {Task['part']} part */
  #endYielding(part) {
    const pid = this.#children.get(part)?.pid;
    if (pid !== undefined) endYielding(treeOf(pid));
  }

  /** @param {Parameters<Background['start']>[1]} report */
  async #runInTurn(report) {
    while (!this.#isEnding && this.#left.length > 0) {
      const group = this.#left.find((each) => !this.#preparations.has(each));
      if (group === undefined) {
        await Promise.race(this.#left.flatMap((each) => this.#preparations.get(each) ?? []));
        continue;
      }
      this.#left = this.#left.filter((each) => each !== group);
      console.log(`\n== ${group.name} begins, in the background`);
      this.#running = group;
      const started = performance.now();
      const { counts, output } = await this.#perform(group, 'run', this.#idle);
      this.#running = undefined;
      report(group, counts, output, (performance.now() - started) / 60_000);
    }
  }

  /**
   * @param {Group} group
   * @param {Task['part']} part
   * @param {Priority} priority
   * @returns {Promise<{ counts: Counts, output: string }>} a failed test if it ends without a result
   */
  async #perform(group, part, { wrapper, niceness }) {
    const [program = '', ...args] = [...wrapper, process.execPath, TASK];
    // A session of its own: it can be ended as a whole, and where the kernel shares the processor among sessions, it
    // gets the least of it.
    const child = spawn(program, args, {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#children.set(part, child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
    /** @type {Counts | undefined} */
    let counts;
    child.on('message', (message) => (counts = /** @type {Counts} */ (message)));
    const ending = new Promise((/** @type {(ending: string) => void} */ resolve) => {
      child.once('error', (error) => resolve(error.message));
      // what it left behind would keep its output open
      child.once('exit', () => child.pid !== undefined && endTree(child.pid));
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    /** @type {Task} */
    const task = { source: this.#source, name: group.name, part, context: this.#context, niceness };
    // one that did not start, or has ended, is reported by its end
    child.send(task, () => undefined);
    const how = await ending;
    this.#children.delete(part);
    if (counts === undefined) output += `${group.name} ended without a result (${how})\n`;
    return { counts: counts ?? oneTest(false), output };
  }
}
