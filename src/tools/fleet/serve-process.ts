import { GoshawkError } from '../../contract/errors.ts';
import { childEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess, describeEnd, lastLines } from '../../platform/child-process.ts';

/** It ends the database in order. */
const GRACE_MS = 60_000;
const READY = /ready: (http:\/\/[^/]+)/;

/** `goshawk fleet serve`, which is killed and started again. */
export class ServeProcess {
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #launcher: readonly string[];
  #child: ChildProcess | null = null;
  #url = '';

  /**
   * @param args of Node
   * @param env besides that of this process
   * @param launcher a program that runs another, with its arguments
   */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    launcher: readonly string[] = [],
  ) {
    this.#args = args;
    this.#env = env;
    this.#launcher = launcher;
  }

  /** `http://HOST:PORT` of its last start; empty before it */
  get url(): string {
    return this.#url;
  }

  /** null while it is down */
  get pid(): number | null {
    return this.#child?.end === null ? this.#child.pid : null;
  }

  /** Resolves once it is ready. @throws GoshawkError GOSHAWK_CHILD_FAILED */
  async start(): Promise<void> {
    let onReady = (): void => undefined;
    const ready = new Promise<'ready'>((resolve) => {
      onReady = () => resolve('ready');
    });
    const [command = '', ...args] = [...this.#launcher, process.execPath, ...this.#args];
    const child = new ChildProcess({
      command,
      args,
      env: { ...childEnvironment(), ...this.#env },
      ownGroup: true,
      graceMs: GRACE_MS,
      onLine: (line) => {
        const url = READY.exec(line)?.[1];
        if (url === undefined) return;
        this.#url = url;
        onReady();
      },
    });
    this.#child = child;
    const end = await Promise.race([ready, child.ended]);
    if (end === 'ready') return;
    const output = lastLines(child.output);
    const details = { command: 'goshawk fleet serve', reason: describeEnd(end), output };
    throw new GoshawkError('GOSHAWK_CHILD_FAILED', details);
  }

  /** An embedded database is left running, as after a crash. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#child?.ended;
  }

  async stop(): Promise<void> {
    await this.#child?.stop('SIGTERM');
  }

  /** Lets it run, or holds it still; a process that is gone is not minded. */
  hold(isHeld: boolean): void {
    this.#child?.kill(isHeld ? 'SIGSTOP' : 'SIGCONT');
  }
}
