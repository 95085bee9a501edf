import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import { ChildProcess, describeEnd, type ChildEnd } from '../../platform/child-process.ts';
import type { QuantizerCommand } from './environment.ts';
import { answerSchema, OPERATIONS, peakSchema, type AnswerOf, type Operation } from './quantizer-messages.ts';

/** Why a request failed. A failed candidate does not end the search. */
export class QuantizerError extends Error {
  override readonly name = 'QuantizerError';
  readonly kind: 'bad-model' | 'unsupported' | 'internal' | 'crashed';

  constructor(kind: QuantizerError['kind'], reason: string) {
    super(reason);
    this.kind = kind;
  }
}

/** Share of a request that is done, 0..1. */
export type OnShare = (share: number) => void;

interface Pending {
  readonly id: number;
  readonly onProgress: OnShare;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What the search needs from a quantizer. */
export interface QuantizerPort {
  request<K extends Operation>(
    operation: K,
    parameters: Readonly<Record<string, unknown>>,
    onProgress?: OnShare,
  ): Promise<AnswerOf<K>>;
}

/**
 * The quantizer's process. It starts with the first request, and again with the next one after a crash. One
 * request runs at a time. `close` ends it.
 */
export class Quantizer implements QuantizerPort {
  /** peak resident memory of any of its processes so far, bytes; null if the system does not report it */
  peakBytes: number | null = null;
  readonly #command: QuantizerCommand;
  readonly #log: string;
  readonly #signal: AbortSignal;
  #child: ChildProcess | null = null;
  #pending: Pending | null = null;
  #lastId = 0;

  /** @param log file for the standard error of the process */
  constructor(command: QuantizerCommand, log: string, signal: AbortSignal) {
    this.#command = command;
    this.#log = log;
    this.#signal = signal;
  }

  /**
   * Sends a request and waits for the answer. Rejects with QuantizerError if the request fails, with
   * GOSHAWK_NO_SPACE if the disk is full, and with the signal's reason if it is aborted, which also ends the
   * process.
   */
  async request<K extends Operation>(
    operation: K,
    parameters: Readonly<Record<string, unknown>>,
    onProgress: OnShare = () => undefined,
  ): Promise<AnswerOf<K>> {
    this.#signal.throwIfAborted();
    if (this.#pending !== null) throw new Error('the quantizer handles one request at a time');
    const child = (this.#child ??= this.#start());
    const stop = (): void => void child.kill('SIGTERM');
    this.#signal.addEventListener('abort', stop);
    try {
      const answer = await new Promise((resolve, reject) => {
        this.#lastId += 1;
        this.#pending = { id: this.#lastId, onProgress, resolve, reject };
        child.write(`${JSON.stringify({ id: this.#lastId, op: operation, ...parameters })}\n`);
      });
      const { peakBytes = 0 } = peakSchema.parse(answer);
      if (peakBytes > 0) this.peakBytes = Math.max(this.peakBytes ?? 0, peakBytes);
      const parsed = OPERATIONS[operation].safeParse(answer);
      if (!parsed.success)
        throw new QuantizerError('internal', `its answer is not understood: ${parsed.error.message}`);
      return parsed.data as AnswerOf<K>;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error;
    } finally {
      this.#pending = null;
      this.#signal.removeEventListener('abort', stop);
    }
  }

  /** Lets the idle process end by itself. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.end !== null) return;
    child.endInput();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await child.ended;
    clearTimeout(timer);
  }

  #start(): ChildProcess {
    const { command, args, env } = this.#command;
    mkdirSync(dirname(this.#log), { recursive: true });
    // its own process group, because Ctrl-C in a terminal is handled by this process
    const child = new ChildProcess({
      command,
      args,
      env,
      ownGroup: true,
      input: true,
      errorLog: this.#log,
      onLine: (line) => this.#take(line),
    });
    void child.ended.then((end) => {
      if (this.#child === child) this.#child = null;
      if (this.#pending !== null) void this.#reportEnd(this.#pending, end);
    });
    return child;
  }

  async #reportEnd(pending: Pending, end: ChildEnd): Promise<void> {
    const reported = (await readFile(this.#log, 'utf8').catch(() => '')).trim().split('\n').at(-1) ?? '';
    const hint = end.signal === 'SIGKILL' ? ' (the system may have run out of memory)' : '';
    const last = reported === '' ? '' : `: ${reported}`;
    pending.reject(new QuantizerError('crashed', `it ${describeEnd(end)}${hint}${last}`));
  }

  #take(line: string): void {
    const pending = this.#pending;
    if (pending === null) return;
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      pending.reject(new QuantizerError('internal', `it sent an invalid answer: ${line.slice(0, 200)}`));
      return;
    }
    const parsed = answerSchema.safeParse(json);
    if (!parsed.success) {
      pending.reject(new QuantizerError('internal', `it sent an invalid answer: ${line.slice(0, 200)}`));
      return;
    }
    const answer = parsed.data;
    if (answer.id !== pending.id) return;
    if ('progress' in answer) pending.onProgress(answer.progress.done / Math.max(1, answer.progress.total));
    else if ('error' in answer) pending.reject(failure(answer.error.kind, answer.error.reason, this.#log));
    else pending.resolve(answer.ok);
  }
}

type FailureKind = 'no-space' | 'bad-model' | 'unsupported' | 'internal';

function failure(kind: FailureKind, reason: string, log: string): Error {
  if (kind !== 'no-space') return new QuantizerError(kind, reason);
  return new GoshawkError('GOSHAWK_NO_SPACE', { path: dirname(log), reason });
}
