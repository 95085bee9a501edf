import { GoshawkError, type ErrorCode } from '../../contract/errors.ts';
import type { ProviderName } from '../../contract/providers.ts';
import type { Detections } from '../../core/detections.ts';
import { systemClock, type Clock, type TimerHandle } from '../../platform/clock.ts';
import { DEFAULT_BACKOFF, type BackoffOptions } from './backoff.ts';
import type {
  DecodeLimits,
  EngineIncident,
  EngineInfo,
  InferenceEngine,
  InferenceInput,
  InferenceOutcome,
} from './engine.ts';
import { settleFailed, type EngineJob } from './job.ts';
import type { RunnerHandle, HandleFactory } from './runner-handle.ts';
import { RunnerSupervisor } from './runner-supervisor.ts';
import type { LoadReport, ModelRequest } from './runner-messages.ts';
import type { EnginePlan } from './plan.ts';
import { describeRefusals, type ProviderCandidate } from './providers.ts';
import { SlabPool } from './slab-pool.ts';

/** Jobs that may wait for a free runner; a caller that submits more has lost track of `parallel`. */
const MAX_WAITING = 256;

/** Failures of a candidate after which the next one is tried. */
const MOVES_ON: ReadonlySet<ErrorCode> = new Set([
  'GOSHAWK_PROVIDER_UNAVAILABLE',
  'GOSHAWK_REFERENCE_MISMATCH',
]);

export interface RunnerPoolOptions {
  readonly kind: RunnerHandle['kind'];
  readonly createHandle: HandleFactory;
  readonly bundle: EngineInfo['bundle'];
  /** decides what to run and in which order; called once, at start */
  readonly plan: () => Promise<EnginePlan>;
  /** for messages, such as `tensorrt, cpu` */
  readonly preferred: string;
  /** refuses to start if a variant fails its reference check, instead of trying the next one */
  readonly strict: boolean;
  readonly workers: number;
  readonly queueDepth: number;
  /** starts all runners at the same time, for a model that is known to load; otherwise the first one alone */
  readonly startTogether?: boolean;
  readonly timeoutMs: number;
  /** time limit of loading on a provider, milliseconds */
  readonly startTimeoutMs: (provider: ProviderName) => number;
  /** seam for tests */
  readonly clock?: Clock;
  /** seam for tests */
  readonly backoff?: BackoffOptions;
}

/** Inference with one or several runners: a job goes to the first that has room, others wait in order of arrival. */
export class RunnerPool implements InferenceEngine {
  readonly #options: RunnerPoolOptions;
  readonly #clock: Clock;
  #supervisors: readonly RunnerSupervisor[];
  readonly #waiting: EngineJob[] = [];
  readonly #listeners: ((incident: EngineIncident) => void)[] = [];
  readonly #slabs = new SlabPool();
  #waitTimer: TimerHandle | null = null;
  #nextId = 1;
  #capacity = 0;
  #depth: number;
  #closed: Promise<void> | null = null;

  constructor(options: RunnerPoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#depth = options.queueDepth;
    this.#supervisors = this.#createSupervisors();
  }

  get parallel(): number {
    return this.#options.workers * this.#depth;
  }

  /** Sets the jobs that each runner may hold from now on, >= 1. A runner that holds more finishes them. */
  setQueueDepth(depth: number): void {
    this.#depth = depth;
    this.#dispatch();
  }

  async start(): Promise<EngineInfo> {
    const { bundle, preferred, workers, kind, strict } = this.#options;
    const plan = await this.#options.plan();
    this.#assertOpen();
    const refusals = [...plan.refusals];
    const mismatches = [...plan.mismatches];
    const refused = new Set<string>();
    const unusable = new Set<ProviderName>();
    for (const candidate of plan.candidates) {
      const { provider, variant } = candidate;
      if (unusable.has(provider) || (candidate.onlyAfterRefusal && !refused.has(variant.id))) continue;
      const request = plan.requestFor(candidate);
      const report = await this.#startAll(request).catch((error: unknown) => {
        if (!(error instanceof GoshawkError) || !MOVES_ON.has(error.code)) throw error;
        const reason = String(error.details['reasons']);
        refusals.push({ provider, reason });
        if (error.code === 'GOSHAWK_PROVIDER_UNAVAILABLE') unusable.add(provider);
        else {
          if (strict && !hasAnotherWay(plan, candidate)) throw error;
          refused.add(variant.id);
          mismatches.push(reason);
        }
        return null;
      });
      if (report === null) continue;
      return {
        kind,
        bundle,
        variant: variant.id,
        precision: variant.precision,
        provider,
        exactInt8: candidate.exactInt8,
        refusals,
        choice: plan.choice,
        threads: request.threads,
        workers,
        queueDepth: this.#depth,
        sizing: null,
        ...report,
      };
    }
    const name = `${bundle.name}@${bundle.version}`;
    if (mismatches.length > 0) {
      throw new GoshawkError('GOSHAWK_REFERENCE_MISMATCH', { bundle: name, reasons: mismatches.join('; ') });
    }
    if (plan.foreignEngine !== null) {
      throw new GoshawkError('GOSHAWK_ENGINE_INCOMPATIBLE', { bundle: name, ...plan.foreignEngine });
    }
    throw new GoshawkError('GOSHAWK_PROVIDER_UNAVAILABLE', {
      preferred,
      bundle: name,
      reasons: describeRefusals(refusals),
    });
  }

  infer(inputs: readonly InferenceInput[], limits: DecodeLimits): Promise<InferenceOutcome> {
    return new Promise((resolve) => {
      const now = this.#clock.monotonicMs();
      const job: EngineJob = { id: this.#nextId++, inputs, limits, submittedAt: now, handedAt: 0, resolve };
      if (this.#closed !== null) {
        settleFailed(
          job,
          'shutdown',
          new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason: 'the engine is closed' }),
          true,
          now,
        );
      } else if (this.#waiting.length >= MAX_WAITING) {
        const reason = `${MAX_WAITING} jobs are already waiting`;
        settleFailed(
          job,
          'inference_failed',
          new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason }),
          true,
          now,
        );
      } else {
        this.#waiting.push(job);
        this.#dispatch();
        if (this.#waiting.length > 0) this.#watchWaiting();
      }
    });
  }

  /** Detections that nobody reads any more: their memory is reused. */
  recycle(detections: Detections): void {
    this.#slabs.give(detections);
  }

  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  onIncident(listener: (incident: EngineIncident) => void): void {
    this.#listeners.push(listener);
  }

  /** Process ids of live runners that are processes. */
  get pids(): number[] {
    return this.#supervisors.map(({ pid }) => pid).filter((pid) => pid !== null);
  }

  /** Rejects with the error of the runner that failed, and leaves nothing running. */
  async #startAll(request: ModelRequest): Promise<LoadReport> {
    this.#assertOpen();
    const [first, ...others] = this.#supervisors;
    if (first === undefined) throw new GoshawkError('GOSHAWK_USAGE', { reason: 'an engine needs a worker' });
    // the first alone: if the model or the provider is at fault, it fails once and not once per worker
    const alone = this.#options.startTogether === true ? null : await first.start(request);
    try {
      this.#assertOpen();
      const rest = alone === null ? this.#supervisors : others;
      const reports = await Promise.all(rest.map((supervisor) => supervisor.start(request)));
      return alone ?? reports[0]!;
    } catch (error) {
      // others have loaded, or still load: the next candidate gets new ones
      const loaded = this.#supervisors;
      this.#supervisors = this.#createSupervisors();
      await Promise.all(loaded.map((supervisor) => supervisor.close()));
      throw error;
    }
  }

  #assertOpen(): void {
    if (this.#closed !== null)
      throw new GoshawkError('GOSHAWK_INTERNAL', { reason: 'the engine was closed' });
  }

  #createSupervisors(): readonly RunnerSupervisor[] {
    return Array.from({ length: this.#options.workers }, () => this.#createSupervisor());
  }

  #createSupervisor(): RunnerSupervisor {
    const { createHandle, timeoutMs, startTimeoutMs, backoff } = this.#options;
    return new RunnerSupervisor({
      createHandle,
      clock: this.#clock,
      backoff: backoff ?? DEFAULT_BACKOFF,
      timeoutMs,
      startTimeoutMs,
      depth: () => this.#depth,
      onIncident: (incident) => {
        for (const listener of this.#listeners) listener(incident);
      },
      onRoom: () => this.#dispatch(),
      takeSlab: () => this.#slabs.take(this.#capacity),
    });
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      let best: RunnerSupervisor | null = null;
      for (const supervisor of this.#supervisors) if (supervisor.room > (best?.room ?? 0)) best = supervisor;
      if (best === null) return;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#capacity = job.limits.maxDetections;
      best.post(job);
    }
  }

  /** No job waits longer than a job may take, whatever happens to the runners: each one is settled eventually. */
  #watchWaiting(): void {
    this.#waitTimer ??= this.#clock.startTimer(() => {
      this.#waitTimer = null;
      const { timeoutMs } = this.#options;
      const now = this.#clock.monotonicMs();
      for (let job = this.#waiting[0]; job !== undefined; job = this.#waiting[0]) {
        if (now - job.submittedAt < timeoutMs) break;
        this.#waiting.shift();
        settleFailed(
          job,
          'engine_lost',
          new GoshawkError('GOSHAWK_ENGINE_TIMEOUT', { ms: timeoutMs }),
          true,
          now,
        );
      }
      if (this.#waiting.length > 0) this.#watchWaiting();
    }, this.#options.timeoutMs / 2);
  }

  async #drain(): Promise<void> {
    const now = this.#clock.monotonicMs();
    if (this.#waitTimer !== null) this.#clock.stopTimer(this.#waitTimer);
    const error = new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason: 'the engine is closed' });
    for (const job of this.#waiting.splice(0)) settleFailed(job, 'shutdown', error, true, now);
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.close()));
  }
}

/** True if the same variant will be tried again with other kernels when this way is refused. */
function hasAnotherWay(
  { candidates }: EnginePlan,
  { provider, variant, onlyAfterRefusal }: ProviderCandidate,
): boolean {
  return (
    !onlyAfterRefusal &&
    candidates.some(
      (other) => other.onlyAfterRefusal && other.provider === provider && other.variant.id === variant.id,
    )
  );
}
