import { readFileSync } from 'node:fs';
import { GoshawkError } from '../../contract/errors.ts';
import { childEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess, describeEnd, type ChildEnd } from '../../platform/child-process.ts';

const SAMPLE_MS = 250;
/** Clock ticks per second in /proc/PID/stat, a constant of the Linux ABI for user space. */
const TICKS_PER_SECOND = 100;

export interface MeasuredOptions {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** text in its output that shows it is ready */
  readonly readyText: string;
  readonly readyTimeoutMs: number;
  /** stops it */
  readonly signal?: AbortSignal;
}

/** One process under measurement: its output, its peak memory and its CPU time, read from /proc. */
export class MeasuredChild {
  readonly #child: ChildProcess;
  /** resident bytes, one sample every 250 ms */
  readonly rssSamples: number[] = [];
  /** seconds of CPU, user and system, at the last sample */
  cpuSeconds = 0;

  private constructor({ command, arguments: args, env, signal }: MeasuredOptions) {
    this.#child = new ChildProcess({
      command,
      args,
      env: { ...childEnvironment(), ...env },
      ...(signal === undefined ? {} : { signal }),
    });
    const sampler = setInterval(() => this.#sample(), SAMPLE_MS);
    void this.#child.ended.then(() => clearInterval(sampler));
  }

  /** @throws GoshawkError GOSHAWK_BENCH_PROCESS if it ends or does not get ready */
  static async start(options: MeasuredOptions): Promise<MeasuredChild> {
    const child = new MeasuredChild(options);
    const end = Date.now() + options.readyTimeoutMs;
    while (!child.output.includes(options.readyText)) {
      const over = child.#child.end;
      if (over !== null || Date.now() > end) {
        await child.stop();
        throw new GoshawkError('GOSHAWK_BENCH_PROCESS', {
          name: options.name,
          reason: over === null ? `no "${options.readyText}" in its output` : `it ${describeEnd(over)}`,
          output: child.output.slice(-2000),
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return child;
  }

  get output(): string {
    return this.#child.output;
  }

  /** Resolves once it has ended by itself or was stopped. */
  get ended(): Promise<ChildEnd> {
    return this.#child.ended;
  }

  /** Stops it with SIGINT, as Ctrl-C does, and kills it if it does not end. */
  async stop(): Promise<void> {
    this.#sample();
    await this.#child.stop();
  }

  #sample(): void {
    const { pid, end } = this.#child;
    if (pid === null || end !== null) return;
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const rss = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
      if (rss !== undefined) this.rssSamples.push(Number(rss) * 1024);
      // The name in parentheses may contain spaces, so fields are counted after it.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      this.cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    } catch {
      // It ended between two samples.
    }
  }
}
