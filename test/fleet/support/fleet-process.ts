import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CLI } from '../../support/programs.ts';

/** `goshawk fleet serve` as a process of its own. */
export class FleetProcess {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  private constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [CLI, 'fleet', 'serve', '--port', '0', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.lines.push(line));
  }

  /** Resolves once it is ready. */
  static async start(...args: string[]): Promise<FleetProcess> {
    const fleet = new FleetProcess(args);
    for (let tries = 0; tries < 600; tries += 1) {
      if (fleet.url !== '') return fleet;
      if (fleet.#child.exitCode !== null) throw new Error(fleet.lines.join('\n'));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`never ready:\n${fleet.lines.join('\n')}`);
  }

  /** `http://HOST:PORT`, empty until it is ready */
  get url(): string {
    return /ready: (http:\/\/[^/]+)/.exec(this.lines.join('\n'))?.[1] ?? '';
  }

  async text(path: string): Promise<string> {
    return (await fetch(`${this.url}${path}`)).text();
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** Ends it in order. @returns its exit code */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    return this.#child.exitCode;
  }
}
