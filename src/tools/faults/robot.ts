import { childEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess } from '../../platform/child-process.ts';
import { entryUrl } from '../../platform/entry.ts';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { dropUnsynced } from './synced.ts';

/** The robot's process, which is killed and started again. */
export class FaultRobot {
  readonly produced: string;
  readonly #outbox: string;
  readonly #note: string;
  readonly #start: () => ChildProcess;
  #child: ChildProcess;
  #waiting: number | null = null;
  boots = 0;

  constructor(folder: string, url: string, isSynced: boolean) {
    this.produced = join(folder, 'produced');
    this.#outbox = join(folder, 'outbox');
    this.#note = join(folder, 'synced');
    const settings = {
      url,
      outbox: this.#outbox,
      produced: this.produced,
      note: this.#note,
      sync: isSynced,
    };
    const entry = fileURLToPath(entryUrl(import.meta.url, './robot-main.ts'));
    this.#start = () => {
      this.boots += 1;
      this.#waiting = null;
      return new ChildProcess({
        command: process.execPath,
        args: [entry, JSON.stringify(settings)],
        env: childEnvironment(),
        ownGroup: true,
        input: true,
        onLine: (line) => {
          const count = /^waiting (\d+)$/.exec(line)?.[1];
          if (count !== undefined) this.#waiting = Number(count);
        },
      });
    };
    this.#child = this.#start();
  }

  /** Messages that are not acknowledged; null if it has not reported yet. */
  get waiting(): number | null {
    return this.#waiting;
  }

  /** What it wrote, and how it ended; for a failure to be understood. */
  get output(): string {
    return this.#child.output;
  }

  get isRunning(): boolean {
    return this.#child.end === null;
  }

  /** A fault of its disk or clock, or `quiet`: nothing new from now on. */
  tell(line: string): void {
    this.#child.write(`${line}\n`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
  }

  /** Kills it, and drops what it had not synced. */
  async cutPower(): Promise<void> {
    await this.kill();
    dropUnsynced(this.#outbox, this.#note);
  }

  restart(): void {
    this.#child = this.#start();
  }
}
