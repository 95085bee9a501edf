import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { GoshawkError } from '../../contract/errors.ts';
import { childEnvironment } from '../../platform/child-environment.ts';

const SAMPLE_MS = 250;
const KEPT_OUTPUT = 64_000;
/** Clock ticks a second of /proc/PID/stat; a constant of the Linux ABI for user space. */
const TICKS_PER_SECOND = 100;

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** text in its output that says it is ready */
  readonly readyText: string;
  readonly readyTimeoutMs: number;
}

/** One process under measurement: its output, its peak memory and its CPU time, read from /proc. */
export class MeasuredChild {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #sampler: NodeJS.Timeout;
  readonly #exited: Promise<void>;
  #output = '';
  #exitCode: number | null = null;
  #ended = false;
  /** resident bytes, one sample every 250 ms */
  readonly rssSamples: number[] = [];
  /** seconds of CPU, user and system, at the last sample */
  cpuSeconds = 0;

  private constructor(options: ChildOptions) {
    this.#name = options.name;
    this.#process = spawn(options.command, [...options.arguments], {
      env: { ...childEnvironment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
    };
    this.#process.stdout?.on('data', keep);
    this.#process.stderr?.on('data', keep);
    this.#exited = new Promise((resolve) => {
      const ended = (code: number | null): void => {
        this.#exitCode = code;
        this.#ended = true;
        clearInterval(this.#sampler);
        resolve();
      };
      // `close` comes after `exit`, when its pipes are empty: nothing of a last line is missed.
      this.#process.once('close', ended);
      this.#process.once('error', (error) => {
        this.#output += error.message;
        ended(null);
      });
    });
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** @throws GoshawkError GOSHAWK_BENCH_PROCESS where it ends or stays silent instead of getting ready */
  static async start(options: ChildOptions): Promise<MeasuredChild> {
    const child = new MeasuredChild(options);
    const end = Date.now() + options.readyTimeoutMs;
    while (!child.#output.includes(options.readyText)) {
      if (child.#ended || Date.now() > end) {
        await child.stop();
        throw new GoshawkError('GOSHAWK_BENCH_PROCESS', {
          name: options.name,
          reason: child.#ended
            ? `it ended with code ${child.#exitCode}`
            : `no "${options.readyText}" in its output`,
          output: child.#output.slice(-2000),
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return child;
  }

  get output(): string {
    return this.#output;
  }

  get exitCode(): number | null {
    return this.#exitCode;
  }

  get name(): string {
    return this.#name;
  }

  /** Asks with SIGINT, as Ctrl-C does, and kills after `graceMs`. */
  async stop(graceMs = 8_000): Promise<void> {
    if (this.#ended) return;
    this.#sample();
    this.#process.kill('SIGINT');
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), graceMs);
    await this.#exited;
    clearTimeout(killer);
  }

  async exited(): Promise<void> {
    if (!this.#ended) await once(this.#process, 'close');
  }

  #sample(): void {
    const pid = this.#process.pid;
    if (pid === undefined || this.#ended) return;
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const rss = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
      if (rss !== undefined) this.rssSamples.push(Number(rss) * 1024);
      // The name in parentheses may hold spaces: fields are counted from behind it.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      this.cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    } catch {
      // It ended between two samples.
    }
  }
}
