import { spawn, spawnSync, type ChildProcess as NodeChild, type StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { GoshawkError } from '../contract/errors.ts';

export interface ChildOptions {
  /** program, found on the PATH of `env`; no shell reads it */
  readonly command: string;
  readonly args: readonly string[];
  /** `childEnvironment()` or `inferenceEnvironment()`, with what else the program needs */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** a process group of its own: a Ctrl-C in the terminal passes it by, and `kill` reaches its children too */
  readonly ownGroup?: boolean;
  /** standard input is a pipe for `write`; without it there is none */
  readonly input?: boolean;
  /** file that standard error is appended to instead of being kept */
  readonly errorLog?: string;
  /** standard output is thrown away */
  readonly noOutput?: boolean;
  /** messages go to and fro: `post`, `onMessage`; for programs in Node */
  readonly messages?: boolean;
  /** how much of the end of its output is kept, characters */
  readonly keptOutput?: number;
  /** gets every line of standard output and standard error */
  readonly onLine?: (line: string) => void;
  /** ends it with SIGTERM, and with SIGKILL after `graceMs` */
  readonly signal?: AbortSignal;
  /** ends it in the same way */
  readonly timeoutMs?: number;
  /** milliseconds between asking it to end and killing it */
  readonly graceMs?: number;
}

/** How a process ended. */
export interface ChildEnd {
  /** null where it was ended by a signal or could not be started */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** why it could not be started */
  readonly error: string | null;
  readonly isTimeout: boolean;
}

/** What a process said and how it ended. */
export interface ChildResult extends ChildEnd {
  /** the end of standard output and standard error */
  readonly output: string;
}

const KEPT_OUTPUT = 64_000;
const GRACE_MS = 8_000;
/** How long pipes that grandchildren hold are waited for after a process has ended. */
const PIPES_MS = 1_000;

/** How a process ended, in words that follow its name: `ended with code 3`. */
export function describeEnd({ code, signal, error, isTimeout }: ChildEnd): string {
  if (error !== null) return `could not be started: ${error}`;
  if (isTimeout) return 'took too long and was ended';
  return signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
}

/** A process that was started. */
export class ChildProcess {
  /** resolves once it is gone and its output is read; never rejects */
  readonly ended: Promise<ChildEnd>;
  readonly #child: NodeChild;
  readonly #options: ChildOptions;
  #output = '';
  #isTimeout = false;
  #end: ChildEnd | null = null;
  #killer: NodeJS.Timeout | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
    const { command, args, env, ownGroup = false } = options;
    const log = options.errorLog === undefined ? null : openSync(options.errorLog, 'a');
    const stdio: StdioOptions = [
      options.input === true ? 'pipe' : 'ignore',
      options.noOutput === true ? 'ignore' : 'pipe',
      log ?? 'pipe',
    ];
    if (options.messages === true) stdio.push('ipc');
    try {
      this.#child = spawn(command, args, { env, stdio, detached: ownGroup, serialization: 'advanced' });
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

  /** The end of what it said so far, both streams. */
  get output(): string {
    return this.#output;
  }

  /** How it ended; null while it runs. */
  get end(): ChildEnd | null {
    return this.#end;
  }

  /** Gives it more of its standard input. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Nothing more comes in its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Sends a message; one to a process that is gone is lost, and its end is on its way. */
  post(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener);
  }

  /** Sends a signal, to its whole group where it has one of its own. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#end !== null) return;
    try {
      if (this.#options.ownGroup === true) process.kill(-pid, signal);
      else this.#child.kill(signal);
    } catch {
      // it has ended by itself
    }
  }

  /** Asks it to end, and kills it when it has not after the grace time. */
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

  /** Ends it when it takes too long or is told to end; gives what takes these reasons away. */
  #watch(): () => void {
    const { signal, timeoutMs } = this.#options;
    const stop = (): void => void this.stop('SIGTERM');
    const late = (): void => {
      this.#isTimeout = true;
      stop();
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted === true) stop();
    return () => {
      clearTimeout(timer);
      clearTimeout(this.#killer);
      signal?.removeEventListener('abort', stop);
    };
  }

  #untilEnded(): Promise<ChildEnd> {
    return new Promise((resolve) => {
      let pipes: NodeJS.Timeout | undefined;
      const end = (code: number | null, signal: NodeJS.Signals | null, error: string | null): void => {
        clearTimeout(pipes);
        resolve({ code, signal, error, isTimeout: this.#isTimeout });
      };
      this.#child.once('error', (error) => {
        // a message or a signal that could not be sent is not an end
        if (this.#child.pid === undefined) end(null, null, error.message);
      });
      this.#child.once('exit', (code, signal) => {
        pipes = setTimeout(() => end(code, signal, null), PIPES_MS);
      });
      // comes after `exit`, once its pipes are empty: nothing of a last line is missed
      this.#child.once('close', (code, signal) => end(code, signal, null));
    });
  }
}

/** Runs a program to its end, however it ends. Rejects with the signal's reason where that ended it. */
export async function runChild(options: ChildOptions): Promise<ChildResult> {
  options.signal?.throwIfAborted();
  const child = new ChildProcess(options);
  const end = await child.ended;
  options.signal?.throwIfAborted();
  return { ...end, output: child.output };
}

/**
 * Runs a program that has to end well.
 * @throws GoshawkError GOSHAWK_CHILD_FAILED with its last lines
 */
export async function requireChild(options: ChildOptions): Promise<string> {
  const result = await runChild(options);
  if (result.code === 0) return result.output;
  const output = result.output.trim().split('\n').slice(-8).join('\n');
  const { command } = options;
  throw new GoshawkError('GOSHAWK_CHILD_FAILED', { command, reason: describeEnd(result), output });
}

/** Standard output of a short command that ended well; undefined for any other. Nothing else happens meanwhile. */
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
