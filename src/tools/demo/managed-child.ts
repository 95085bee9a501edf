import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { childEnvironment } from '../../platform/child-environment.ts';

const KEPT_LINES = 40;
/** How long a node may drain before it is killed. */
const GRACE_MS = 8_000;

export interface ChildSettings {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly onLine: (name: string, line: string) => void;
}

/** One ROS node as a process of its own, as a launch file would run it. */
export class ManagedChild {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly exited: Promise<number | null>;

  constructor(settings: ChildSettings) {
    this.name = settings.name;
    // A group of its own: Ctrl-C in the terminal reaches this program alone, which then ends the nodes in order.
    this.#process = spawn(process.execPath, [...settings.arguments], {
      // the demo's broker knows no users
      env: childEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const keep = (line: string): void => {
      this.#lines.push(line);
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      settings.onLine(this.name, line);
    };
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      createInterface({ input: stream as Readable }).on('line', keep);
    }
    this.exited = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        keep(error.message);
        resolve(null);
      });
      this.#process.once('close', (code) => resolve(code));
    });
  }

  /** The last lines it printed, for an error. */
  get lastLines(): string {
    return this.#lines.slice(-8).join('\n');
  }

  /** Asks with SIGINT, waits, kills. Resolves with the exit code, null where it was killed. */
  async stop(): Promise<number | null> {
    this.#process.kill('SIGINT');
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), GRACE_MS);
    const code = await this.exited;
    clearTimeout(killer);
    return code;
  }

  /** Kills at once: for the way out when this program itself is being killed. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
