/** A program that runs once at a time: starting it first stops the previous run. */
export class Restarted {
  /** @type {() => import('node:child_process').ChildProcess} */
  #start;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {Promise<void>} */
  #turn = Promise.resolve();
  /** called if the program exits without being stopped @type {(code: number) => void} */
  onEnd = () => undefined;

  /** @param {() => import('node:child_process').ChildProcess} start */
  constructor(start) {
    this.#start = start;
  }

  restart() {
    this.#turn = this.#turn.then(async () => {
      await this.#end();
      const child = this.#start();
      this.#child = child;
      child.once('exit', (code) => {
        if (this.#child === child) this.onEnd(code ?? 1);
      });
    });
  }

  /** @returns {Promise<void>} */
  stop() {
    this.#turn = this.#turn.then(() => this.#end());
    return this.#turn;
  }

  async #end() {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGINT');
    });
  }
}
