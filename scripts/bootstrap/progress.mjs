/**
 * A set-up failure that the user can fix: what went wrong in one line, the command that fixes it, and the log
 * file.
 */
export class SetupError extends Error {
  /**
   * @param {string} what
   * @param {{ fix: string, log?: string | undefined }} more
   */
  constructor(what, { fix, log }) {
    super(what);
    this.fix = fix;
    this.log = log;
  }

  /** @returns {string} one line */
  describe() {
    const log = this.log === undefined ? '' : ` (log: ${this.log})`;
    return `${this.message}; fix: ${this.fix}${log}`;
  }
}

/**
 * @typedef {object} Output
 * @property {(text: string) => void} write
 * @property {boolean} isTerminal lines can be overwritten
 */

/** @type {Output} */
const standardError = {
  write: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};

/** Shorter steps print nothing. */
const QUIET_MS = 1000;
/** How often a long step reports that it is still running, if lines cannot be overwritten. */
const REMIND_MS = 20_000;

/**
 * Runs a step and shows what it is doing. A step of less than a second shows nothing.
 * @template T
 * @param {string} title such as "[2/6] ROS 2"
 * @param {(say: (activity: string) => void) => Promise<T> | T} work calls `say` whenever its activity changes
 * @param {Output} [output]
 * @returns {Promise<T>}
 */
export async function showProgress(title, work, output = standardError) {
  const started = performance.now();
  let activity = 'checking';
  let shownActivity = '';
  let lastShown = -Infinity;
  const elapsed = () => performance.now() - started;
  const line = () => `${title}: ${activity} ... ${(elapsed() / 1000).toFixed(0)} s`;

  const show = () => {
    if (elapsed() < QUIET_MS) return;
    if (output.isTerminal) {
      output.write(`\r\x1b[K${line()}`);
    } else if (activity !== shownActivity || elapsed() - lastShown >= REMIND_MS) {
      output.write(`${line()}\n`);
    } else {
      return;
    }
    shownActivity = activity;
    lastShown = elapsed();
  };
  const timer = setInterval(show, 250);
  try {
    const result = await work((next) => {
      activity = next;
    });
    if (elapsed() >= QUIET_MS) {
      output.write(
        `${output.isTerminal ? '\r\x1b[K' : ''}${title}: done in ${(elapsed() / 1000).toFixed(1)} s\n`,
      );
    }
    return result;
  } catch (error) {
    if (output.isTerminal && shownActivity !== '') output.write('\r\x1b[K');
    throw error;
  } finally {
    clearInterval(timer);
  }
}
