import { Forecast, type StepKind, type Steps } from './forecast.ts';

/** What is being done, for a line on a terminal. */
export interface ProgressEvent {
  readonly step: string;
  readonly detail: string;
  /** seconds until the end, as far as can be told; null if nothing is known yet */
  readonly remaining: number | null;
}

export type OnProgress = (event: ProgressEvent) => void;

/** A step that is over. */
export interface StepTime {
  readonly name: string;
  readonly seconds: number;
  /** true if an earlier run did all of it that is kept */
  readonly reused: boolean;
}

/** Seconds kept back of a time budget for measuring and writing what was found, at least. */
const MIN_RESERVE = 20;
/** Share of a step from which on its own speed tells its end better than others of its kind. */
const TELLING_SHARE = 0.1;

/**
 * Where the run stands: how long steps took, what remains, and whether the budget allows another candidate.
 * The clock is given, in milliseconds.
 */
export class Schedule {
  readonly steps: StepTime[] = [];
  readonly #now: () => number;
  readonly #onProgress: OnProgress;
  readonly #work: { readonly done: number; readonly recalled: number };
  readonly #started: number;
  readonly #budget: number | null;
  /** what is at work */
  step = '';
  readonly #forecast = new Forecast();
  /** the step that is at work, of those that are forecast */
  #current: { kind: StepKind; started: number; done: number; share: number } | null = null;
  #left: Steps = {};
  /** seconds that the budget is not for */
  #uncounted = 0;

  /**
   * @param budget seconds; null for no limit
   * @param work counts what was done and what an earlier run had done
   */
  constructor(
    budget: number | null,
    work: { readonly done: number; readonly recalled: number },
    onProgress: OnProgress,
    now: () => number,
  ) {
    this.#work = work;
    this.#budget = budget;
    this.#onProgress = onProgress;
    this.#now = now;
    this.#started = now();
  }

  /** Seconds since the start. */
  get elapsed(): number {
    return (this.#now() - this.#started) / 1000;
  }

  /** Seconds of the budget that are gone. */
  get #spent(): number {
    return this.elapsed - this.#uncounted;
  }

  /** Does a step and notes how long it took. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.step = name;
    this.say('');
    const started = this.#now();
    const { done, recalled } = this.#work;
    const value = await work();
    const reused = this.#work.done === done && this.#work.recalled > recalled;
    this.steps.push({ name, seconds: (this.#now() - started) / 1000, reused });
    return value;
  }

  /** Does a step of setting up: the budget is for the search, and a first run should find no less than a second one. */
  async runUncounted<T>(name: string, work: () => Promise<T>): Promise<T> {
    const value = await this.run(name, work);
    this.#uncounted += this.steps.at(-1)?.seconds ?? 0;
    return value;
  }

  say(detail: string): void {
    this.#onProgress({ step: this.step, detail, remaining: this.remaining() });
  }

  /** A step that is forecast begins; `left` are those that are expected after it, without the final figures. */
  begin(kind: StepKind, name: string, left: Steps): void {
    this.end();
    this.#current = { kind, started: this.#now(), done: this.#work.done, share: 0 };
    this.#left = kind === 'final' ? left : { ...left, final: 1 };
    this.say(name);
  }

  /** The step that was begun last is over. */
  end(): void {
    const step = this.#current;
    this.#current = null;
    if (step === null || this.#work.done === step.done) return;
    this.#forecast.note(step.kind, (this.#now() - step.started) / 1000);
  }

  /** So much of the step at work is done, 0..1. */
  advance(share: number, detail: string): void {
    if (this.#current !== null) this.#current.share = share;
    this.say(detail);
  }

  /** True if the budget leaves room for another step of the kind and the final figures. */
  hasTime(kind: StepKind): boolean {
    this.end();
    if (this.#budget === null) return true;
    const each = this.#forecast.costOf(kind) ?? 0;
    const final = this.#forecast.costOf('final') ?? 0;
    return this.#spent + each + Math.max(MIN_RESERVE, final) <= this.#budget;
  }

  /** Seconds until the end, never more than the budget; null if nothing is known yet. */
  remaining(): number | null {
    const left = this.#forecast.costOfAll(this.#left);
    if (left === null) return null;
    const needed = left + this.#remainingOfStep();
    return this.#budget === null ? needed : Math.max(0, Math.min(needed, this.#budget - this.#spent));
  }

  #remainingOfStep(): number {
    if (this.#current === null) return 0;
    const { kind, started, share } = this.#current;
    const passed = (this.#now() - started) / 1000;
    if (share >= TELLING_SHARE) return (passed * (1 - share)) / share;
    return Math.max(0, (this.#forecast.costOf(kind) ?? 0) - passed);
  }
}
