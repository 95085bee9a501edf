import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoshawkError } from '../../contract/errors.ts';
import { childEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess, describeEnd, lastLines } from '../../platform/child-process.ts';
import { isListening } from '../../platform/mqtt/is-listening.ts';

const LOOK_MS = 20;

/** A Mosquitto with persistence, which is killed and started again. */
export class MosquittoProcess {
  readonly port: number;
  readonly #folder: string;
  readonly #command: string;
  readonly #launcher: readonly string[];
  #child: ChildProcess;

  /**
   * @param settings lines of its configuration besides listener and persistence
   * @param launcher a program that runs another, with its arguments
   * @throws GoshawkError GOSHAWK_MOSQUITTO_MISSING
   */
  constructor(folder: string, port: number, settings: readonly string[], launcher: readonly string[] = []) {
    const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
    const command = folders.map((one) => join(one, 'mosquitto')).find((path) => existsSync(path));
    if (command === undefined) throw new GoshawkError('GOSHAWK_MOSQUITTO_MISSING', {});
    this.port = port;
    this.#command = command;
    this.#launcher = launcher;
    this.#folder = folder;
    // As root it would switch to another user, who cannot write here.
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'user root',
      'persistence true',
      `persistence_location ${folder}/`,
      ...settings,
    ];
    writeFileSync(join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
    this.#child = this.#start();
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** null while it is down */
  get pid(): number | null {
    return this.#child.end === null ? this.#child.pid : null;
  }

  /** Resolves once it accepts connections. @throws GoshawkError GOSHAWK_CHILD_FAILED if it ends before that */
  async untilReady(): Promise<void> {
    while (!(await isListening(this.url))) {
      const { end, output } = this.#child;
      if (end !== null) {
        const details = { command: 'mosquitto', reason: describeEnd(end), output: lastLines(output) };
        throw new GoshawkError('GOSHAWK_CHILD_FAILED', details);
      }
      await sleep(LOOK_MS);
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
  }

  /** What it persisted is gone. */
  wipe(): void {
    rmSync(join(this.#folder, 'mosquitto.db'), { force: true });
  }

  restart(): void {
    this.#child = this.#start();
  }

  #start(): ChildProcess {
    const own = [this.#command, '-c', join(this.#folder, 'mosquitto.conf')];
    const [command = '', ...args] = [...this.#launcher, ...own];
    return new ChildProcess({ command, args, env: childEnvironment(), ownGroup: true });
  }
}
