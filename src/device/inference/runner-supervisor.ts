import { GoshawkError } from '../../contract/errors.ts';
import type { ProviderName } from '../../contract/providers.ts';
import type { Clock, TimerHandle } from '../../platform/clock.ts';
import { debugLog } from '../../platform/debug.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import type { EngineIncident } from './engine.ts';
import { settleDone, settleFailed, type EngineJob } from './job.ts';
import type { RunnerHandle, HandleFactory } from './runner-handle.ts';
import type { FromRunner, LoadReport, ModelRequest } from './runner-messages.ts';

export interface SupervisorOptions {
  readonly createHandle: HandleFactory;
  readonly clock: Clock;
  readonly backoff: BackoffOptions;
  /** time limit of a job once a runner has it, milliseconds */
  readonly timeoutMs: number;
  /** time limit of loading on a provider, milliseconds */
  readonly startTimeoutMs: (provider: ProviderName) => number;
  /** jobs that a runner may hold at the moment */
  readonly depth: () => number;
  readonly onIncident: (incident: EngineIncident) => void;
  /** there is now room for a job */
  readonly onRoom: () => void;
  readonly takeSlab: () => ArrayBuffer;
}

const debug = debugLog('inference');

/**
 * Hung threads that cannot be killed. More of them would take every core, so no replacement is started until one of
 * them ends.
 */
const MAX_STUCK = 2;

interface PendingLoad {
  readonly resolve: (report: LoadReport) => void;
  readonly reject: (error: GoshawkError) => void;
  readonly timer: TimerHandle;
}

/**
 * Manages one runner: starts it, feeds it jobs, watches it, and starts its replacement when it is lost. Every job is
 * settled exactly once: by an answer, by the runner's end, or by the time limit.
 */
export class RunnerSupervisor {
  readonly #options: SupervisorOptions;
  readonly #backoff: Backoff;
  /** in the order they were handed over */
  readonly #inFlight = new Map<number, EngineJob>();
  #request: ModelRequest | null = null;
  #handle: RunnerHandle | null = null;
  #ready = false;
  #readySince = 0;
  #closing = false;
  #closed: Promise<void> | null = null;
  /** abandoned runners that have not ended */
  #stuck = 0;
  #pendingLoad: PendingLoad | null = null;
  #restartTimer: TimerHandle | null = null;
  #watchTimer: TimerHandle | null = null;
  #onEnded: (() => void) | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
  }

  /** Jobs that could be handed over now. */
  get room(): number {
    return this.#ready && !this.#closing ? Math.max(0, this.#options.depth() - this.#inFlight.size) : 0;
  }

  /** Process id of the runner if it is a process. */
  get pid(): number | null {
    return this.#handle?.pid ?? null;
  }

  /** Starts a runner and has it load the model. Rejects with a coded error and leaves nothing running. */
  start(request: ModelRequest): Promise<LoadReport> {
    if (this.#closing)
      return Promise.reject(new GoshawkError('GOSHAWK_INTERNAL', { reason: 'the runner was closed' }));
    this.#request = request;
    const { clock, createHandle } = this.#options;
    const limitMs = this.#options.startTimeoutMs(request.provider);
    return new Promise((resolve, reject) => {
      const handle = openHandle(createHandle);
      this.#handle = handle;
      debug(
        () => `${describeRunner(handle)} loads ${request.bundle} ${request.variant} on ${request.provider}`,
      );
      const timer = clock.startTimer(() => {
        this.#lose(handle, new GoshawkError('GOSHAWK_ENGINE_TIMEOUT', { ms: limitMs }));
      }, limitMs);
      this.#pendingLoad = { resolve, reject, timer };
      handle.onMessage((message) => {
        if (this.#handle === handle) this.#receive(handle, message);
      });
      handle.onExit((reason) => {
        if (this.#handle === handle) this.#exited(handle, reason);
        else this.#stuck -= 1;
      });
      handle.post({ type: 'load', model: request });
    });
  }

  /** Hands a job over; only if there is `room`. */
  post(job: EngineJob): void {
    const handle = this.#handle;
    if (handle === null) throw new Error('a job for a runner that does not exist');
    const { clock, takeSlab, timeoutMs } = this.#options;
    job.handedAt = clock.monotonicMs();
    const slabs = job.inputs.map(takeSlab);
    try {
      handle.post({ type: 'run', id: job.id, inputs: job.inputs, limits: job.limits, slabs });
    } catch (cause) {
      // a buffer that is already detached, or shared by two inputs: nothing was sent
      const reason = cause instanceof Error ? cause.message : String(cause);
      const error = new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason }, { cause });
      settleFailed(job, 'malformed', error, true, clock.monotonicMs());
      return;
    }
    this.#inFlight.set(job.id, job);
    this.#watchTimer ??= clock.startTimer(() => this.#watch(), timeoutMs);
  }

  /** Lets the jobs in flight finish, then ends the runner. Resolves when it has exited. */
  close(): Promise<void> {
    this.#closing = true;
    this.#closed ??= this.#end();
    return this.#closed;
  }

  #end(): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    if (this.#restartTimer !== null) clock.stopTimer(this.#restartTimer);
    if (this.#watchTimer !== null) clock.stopTimer(this.#watchTimer);
    const handle = this.#handle;
    if (handle === null) return Promise.resolve();
    return new Promise((resolve) => {
      const limit = clock.startTimer(() => {
        this.#lose(handle, new GoshawkError('GOSHAWK_ENGINE_TIMEOUT', { ms: timeoutMs }));
      }, timeoutMs);
      this.#onEnded = () => {
        clock.stopTimer(limit);
        resolve();
      };
      handle.post({ type: 'close' });
    });
  }

  #receive(handle: RunnerHandle, message: FromRunner): void {
    const { clock, onRoom } = this.#options;
    switch (message.type) {
      case 'loaded': {
        this.#ready = true;
        this.#readySince = clock.monotonicMs();
        debugReady(handle, message.report);
        this.#settleLoad()?.resolve(message.report);
        onRoom();
        return;
      }
      case 'load-failed':
        this.#lose(handle, new GoshawkError(message.code, message.details), 'close');
        return;
      case 'done': {
        const job = this.#inFlight.get(message.id);
        if (job === undefined) return;
        this.#inFlight.delete(message.id);
        settleDone(job, message, handle.kind === 'child', clock.monotonicMs());
        onRoom();
        return;
      }
      case 'tried':
        // trials use separate handles
        return;
    }
  }

  #exited(handle: RunnerHandle, reason: string): void {
    const error = new GoshawkError('GOSHAWK_ENGINE_CRASHED', { kind: handle.kind, reason });
    this.#lose(handle, error, 'nothing');
  }

  /** The runner is gone or given up: its jobs are lost, and a replacement is started unless the engine is closing. */
  #lose(
    handle: RunnerHandle,
    error: GoshawkError,
    ending: 'abandon' | 'close' | 'nothing' = 'abandon',
  ): void {
    const { clock, onIncident } = this.#options;
    if (ending === 'abandon') handle.abandon();
    if (ending === 'close') handle.post({ type: 'close' });
    if (ending !== 'nothing') this.#stuck += 1;
    debug(() => `${describeRunner(handle)} ${this.#closing ? 'closed' : `ended: ${error.message}`}`);
    const wasReady = this.#ready;
    this.#handle = null;
    this.#ready = false;
    const lostJobs = this.#inFlight.size;
    for (const job of this.#inFlight.values()) {
      settleFailed(job, 'engine_lost', error, handle.kind === 'child', clock.monotonicMs());
    }
    this.#inFlight.clear();
    const load = this.#settleLoad();
    if (this.#closing) {
      this.#onEnded?.();
      load?.reject(error);
      return;
    }
    if (load !== null) {
      load.reject(error);
      return;
    }
    if (wasReady) onIncident({ kind: 'lost', code: error.code, message: error.message, lostJobs });
    this.#restartAfter(this.#backoff.next(clock.monotonicMs() - this.#readySince));
  }

  #restartAfter(ms: number): void {
    const { clock } = this.#options;
    this.#restartTimer = clock.startTimer(() => {
      this.#restartTimer = null;
      void this.#restart();
    }, ms);
  }

  async #restart(): Promise<void> {
    const { onIncident } = this.#options;
    const request = this.#request;
    if (request === null) return;
    try {
      if (this.#stuck > MAX_STUCK) throw stuckError(this.#stuck);
      await this.start(request);
      onIncident({
        kind: 'restored',
        code: 'GOSHAWK_ENGINE_CRASHED',
        message: 'the runner is back',
        lostJobs: 0,
      });
    } catch (error) {
      if (this.#closing) return;
      const { code, message } = coded(error);
      onIncident({ kind: 'failed', code, message, lostJobs: 0 });
      this.#restartAfter(this.#backoff.next(0));
    }
  }

  #settleLoad(): PendingLoad | null {
    const load = this.#pendingLoad;
    if (load !== null) this.#options.clock.stopTimer(load.timer);
    this.#pendingLoad = null;
    return load;
  }

  /** One timer for all jobs in flight, set to the time limit of the oldest. */
  #watch(): void {
    this.#watchTimer = null;
    const [oldest] = this.#inFlight.values();
    const handle = this.#handle;
    if (oldest === undefined || handle === null) return;
    const { clock, timeoutMs } = this.#options;
    const left = oldest.handedAt + timeoutMs - clock.monotonicMs();
    if (left > 0) this.#watchTimer = clock.startTimer(() => this.#watch(), left);
    else this.#lose(handle, new GoshawkError('GOSHAWK_ENGINE_TIMEOUT', { ms: timeoutMs }));
  }
}

function stuckError(count: number): GoshawkError {
  const reason = `${count} earlier runners hang in the model and cannot be stopped; run it as kind "child"`;
  return new GoshawkError('GOSHAWK_ENGINE_CRASHED', { kind: 'runner', reason });
}

function coded(error: unknown): GoshawkError {
  if (error instanceof GoshawkError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new GoshawkError('GOSHAWK_INTERNAL', { reason }, { cause: error });
}

/** A machine out of processes or memory is reported with a code, like a runner that exits immediately. */
function openHandle(createHandle: HandleFactory): RunnerHandle {
  try {
    return createHandle();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GoshawkError('GOSHAWK_ENGINE_CRASHED', { kind: 'runner', reason }, { cause });
  }
}

/** Apart from `#receive`, whose variables a closure would move to the heap for every message. */
function debugReady(handle: RunnerHandle, { referenceCheck }: LoadReport): void {
  debug(() => `${describeRunner(handle)} is ready: ${referenceCheck.verdict} reference check`);
}

const describeRunner = ({ kind, pid }: RunnerHandle): string =>
  pid === null ? `runner (${kind})` : `runner (${kind} ${pid})`;
