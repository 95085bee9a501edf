import { spawn, spawnSync, type ChildProcess as NodeChild, type StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { GoshawkError } from '../contract/errors.ts';

export interface ChildOptions {
  /** program, looked up in the PATH of `env`; no shell is involved */
  readonly command: string;
  readonly args: readonly string[];
  /** `childEnvironment()` or `inferenceEnvironment()`, plus whatever else the program needs */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** folder to start in; otherwise that of this process */
  readonly cwd?: string;
  /** user to run as, which needs root */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** a separate process group: Ctrl-C in the terminal does not reach it, and `kill` reaches its children too */
  readonly ownGroup?: boolean;
  /** standard input is a pipe for `write`; otherwise there is none */
  readonly input?: boolean;
  /** file to append standard error to, instead of keeping it */
  readonly errorLog?: string;
  /** standard output is discarded */
  readonly noOutput?: boolean;
  /** a message channel: `post`, `onMessage`; for Node programs */
  readonly messages?: boolean;
  /** how much of the end of its output is kept, characters */
  readonly keptOutput?: number;
  /** called with every line of standard output and standard error */
  readonly onLine?: (line: string) => void;
  /** stops it with SIGTERM, and with SIGKILL after `graceMs` */
  readonly signal?: AbortSignal;
  /** milliseconds between asking it to end and killing it; seam for tests */
  readonly graceMs?: number;
}

/** How a process ended. */
export interface ChildEnd {
  /** null if it was ended by a signal or could not be started */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** why it could not be started */
  readonly error: string | null;
}

/** The output of a process and how it ended. */
export interface ChildResult extends ChildEnd {
  /** the end of standard output and standard error */
  readonly output: string;
}

const KEPT_OUTPUT = 64_000;
const SHOWN_LINES = 8;
const GRACE_MS = 8_000;
/** How long to wait, after a process has ended, for pipes that its children keep open. */
const PIPES_MS = 1_000;

/** How a process ended, in words that follow its name: `ended with code 3`. */
export function describeEnd({ code, signal, error }: ChildEnd): string {
  if (error !== null) return `could not be started: ${error}`;
  return signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
}

/** The end of an output, as errors show it. */
export function lastLines(output: string): string {
  return output.trim().split('\n').slice(-SHOWN_LINES).join('\n');
}

/** A running or ended child process. */
export class ChildProcess {
  /** resolves once it has exited and its output is read; never rejects */
  readonly ended: Promise<ChildEnd>;
  readonly #child: NodeChild;
  readonly #options: ChildOptions;
  #output = '';
  #end: ChildEnd | null = null;
  #killer: NodeJS.Timeout | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
    const { command, args, env, cwd, user, ownGroup = false } = options;
    const log = options.errorLog === undefined ? null : openSync(options.errorLog, 'a');
    const stdio: StdioOptions = [
      options.input === true ? 'pipe' : 'ignore',
      options.noOutput === true ? 'ignore' : 'pipe',
      log ?? 'pipe',
    ];
    if (options.messages === true) stdio.push('ipc');
    try {
      const shared = { env, stdio, detached: ownGroup, serialization: 'advanced' } as const;
      this.#child = spawn(command, args, { ...shared, ...user, ...(cwd === undefined ? {} : { cwd }) });
    } finally {
      if (log !== null) closeSync(log);
    }
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#read(stream);
    // a write to a process that is gone: its end is reported by `ended`
    this.#child.stdin?.on('error', () => undefined);
    const release = this.#watch();
    this.ended = this.#untilEnded().then((end) => {
      release();
      this.#end = end;
      return end;
    });
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** The end of its output so far, both streams. */
  get output(): string {
    return this.#output;
  }

  /** How it ended; null while it runs. */
  get end(): ChildEnd | null {
    return this.#end;
  }

  /** Writes to its standard input. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Closes its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Sends a message. One to a process that has exited is lost; `ended` reports that. */
  post(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener);
  }

  /** Sends a signal, to its whole group if it has a separate one. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#end !== null) return;
    try {
      if (this.#options.ownGroup === true) process.kill(-pid, signal);
      else this.#child.kill(signal);
    } catch {
      // it has exited by itself
    }
  }

  /** Asks it to stop, and kills it after the grace time. */
  stop(signal: NodeJS.Signals = 'SIGINT'): Promise<ChildEnd> {
    if (this.#end === null && this.#killer === undefined) {
      this.#killer = setTimeout(() => this.kill('SIGKILL'), this.#options.graceMs ?? GRACE_MS);
      this.kill(signal);
    }
    return this.ended;
  }

  #read(stream: Readable | null): void {
    if (stream === null) return;
    const { onLine, keptOutput = KEPT_OUTPUT } = this.#options;
    stream.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-keptOutput);
    });
    if (onLine !== undefined) createInterface({ input: stream }).on('line', onLine);
  }

  /** Stops it on abort; returns a function that cancels this. */
  #watch(): () => void {
    const { signal } = this.#options;
    const stop = (): void => void this.stop('SIGTERM');
    signal?.addEventListener('abort', stop);
    if (signal?.aborted === true) stop();
    return () => {
      clearTimeout(this.#killer);
      signal?.removeEventListener('abort', stop);
    };
  }

  #untilEnded(): Promise<ChildEnd> {
    return new Promise((resolve) => {
      let pipes: NodeJS.Timeout | undefined;
      const end = (code: number | null, signal: NodeJS.Signals | null, error: string | null): void => {
        clearTimeout(pipes);
        resolve({ code, signal, error });
      };
      this.#child.once('error', (error) => {
        // a message or a signal that could not be sent does not mean that it ended
        if (this.#child.pid === undefined) end(null, null, error.message);
      });
      this.#child.once('exit', (code, signal) => {
        pipes = setTimeout(() => end(code, signal, null), PIPES_MS);
      });
      // emitted after `exit`, once its pipes are empty: no last line is missed
      this.#child.once('close', (code, signal) => end(code, signal, null));
    });
  }
}

/** Runs a program to its end, whatever the outcome. Rejects with the signal's reason if that stopped it. */
export async function runChild(options: ChildOptions): Promise<ChildResult> {
  options.signal?.throwIfAborted();
  const child = new ChildProcess(options);
  const end = await child.ended;
  options.signal?.throwIfAborted();
  return { ...end, output: child.output };
}

/**
 * Runs a program that must succeed.
 * @throws GoshawkError GOSHAWK_CHILD_FAILED with its last lines
 */
export async function requireChild(options: ChildOptions): Promise<string> {
  const result = await runChild(options);
  if (result.code === 0) return result.output;
  const output = lastLines(result.output);
  const { command } = options;
  throw new GoshawkError('GOSHAWK_CHILD_FAILED', { command, reason: describeEnd(result), output });
}

/** Standard output of a short command that succeeded; undefined otherwise. Blocks meanwhile. */
export function readCommand(
  command: string,
  args: readonly string[],
  env: ChildOptions['env'],
  timeoutMs: number,
): string | undefined {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    env,
    timeout: timeoutMs,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout : undefined;
}
