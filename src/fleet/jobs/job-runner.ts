import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../contract/errors.ts';

/** Work that is done again and again; any number of processes may do it on one database. */
export interface Job {
  readonly name: string;
  /** from one end to the next start */
  readonly periodMs: number;
  /** Throws if it failed; it is tried again after its period. @returns whether there is more to do at once */
  run(): Promise<boolean>;
}

/** How a job is. */
export interface JobHealth {
  readonly name: string;
  readonly failures: number;
  /** since it succeeded last, or since the start */
  readonly secondsSinceSuccess: number;
  /** why it failed last; empty since it succeeded */
  readonly error: string;
}

interface State {
  failures: number;
  succeededAtMs: number;
  error: string;
}

/** Runs jobs side by side until it is stopped. A job that fails is reported, and costs the others nothing. */
export class JobRunner {
  readonly #jobs: readonly Job[];
  readonly #say: (line: string) => void;
  readonly #end = new AbortController();
  readonly #states: ReadonlyMap<string, State>;
  #work: Promise<unknown> = Promise.resolve();

  /** @param say log: a line when a job begins to fail, and one when it succeeds again */
  constructor(jobs: readonly Job[], say: (line: string) => void) {
    this.#jobs = jobs;
    this.#say = say;
    const succeededAtMs = performance.now();
    this.#states = new Map(jobs.map(({ name }) => [name, { failures: 0, succeededAtMs, error: '' }]));
  }

  start(): void {
    this.#work = Promise.all(this.#jobs.map((job) => this.#repeat(job)));
  }

  /** Waits for what runs. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#work;
  }

  health(): readonly JobHealth[] {
    return [...this.#states].map(([name, { failures, succeededAtMs, error }]) => ({
      name,
      failures,
      secondsSinceSuccess: (performance.now() - succeededAtMs) / 1_000,
      error,
    }));
  }

  async #repeat(job: Job): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      const isMore = await this.#run(job);
      await sleep(isMore ? 0 : job.periodMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #run(job: Job): Promise<boolean> {
    const state = this.#states.get(job.name);
    if (state === undefined) return false;
    try {
      const isMore = await job.run();
      if (state.error !== '') this.#say(`job ${job.name}: works again`);
      Object.assign(state, { succeededAtMs: performance.now(), error: '' });
      return isMore;
    } catch (error) {
      const text = describeError(error);
      if (state.error === '') this.#say(`job ${job.name} failed and is tried again: ${text}`);
      Object.assign(state, { failures: state.failures + 1, error: text });
      return false;
    }
  }
}
