import { Forecast, type StepKind, type Steps } from './forecast.ts';

/** Progress of a run, for a line on a terminal. */
export interface ProgressEvent {
  readonly step: string;
  readonly detail: string;
  /** estimated seconds until the end; null if unknown */
  readonly remaining: number | null;
}

export type OnProgressEvent = (event: ProgressEvent) => void;

/** A finished step. */
export interface StepTime {
  readonly name: string;
  readonly seconds: number;
  /** true if all its results were reused from an earlier run */
  readonly reused: boolean;
}

/** Minimum seconds of a time budget reserved for measuring and writing the result. */
const MIN_RESERVE = 20;
/** Share of a step after which its own speed predicts its end better than other steps of its kind. */
const TELLING_SHARE = 0.1;

/**
 * The schedule of a run: how long steps took, what remains, and whether the budget allows another candidate.
 * The clock is injected, in milliseconds.
 */
export class Schedule {
  readonly steps: StepTime[] = [];
  readonly #now: () => number;
  readonly #onProgress: OnProgressEvent;
  readonly #work: { readonly done: number; readonly recalled: number };
  readonly #started: number;
  readonly #budget: number | null;
  /** name of the current step */
  step = '';
  readonly #forecast = new Forecast();
  /** the current step, if it is a forecast one */
  #current: { kind: StepKind; started: number; done: number; share: number } | null = null;
  #left: Steps = {};
  /** seconds that do not count against the budget */
  #uncounted = 0;

  /**
   * @param budget seconds; null for no limit
   * @param work counts steps done and steps reused from an earlier run
   */
  constructor(
    budget: number | null,
    work: { readonly done: number; readonly recalled: number },
    onProgress: OnProgressEvent,
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

  /** Seconds of the budget that are spent. */
  get #spent(): number {
    return this.elapsed - this.#uncounted;
  }

  /** Runs a step and records its duration. */
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

  /**
   * Runs a set-up step. It does not count against the budget, so that a first run finds as much as a second
   * one.
   */
  async runUncounted<T>(name: string, work: () => Promise<T>): Promise<T> {
    const value = await this.run(name, work);
    this.#uncounted += this.steps.at(-1)?.seconds ?? 0;
    return value;
  }

  say(detail: string): void {
    this.#onProgress({ step: this.step, detail, remaining: this.remaining() });
  }

  /** Begins a forecast step; `left` are the steps expected after it, without the final measurements. */
  begin(kind: StepKind, name: string, left: Steps): void {
    this.end();
    this.#current = { kind, started: this.#now(), done: this.#work.done, share: 0 };
    this.#left = kind === 'final' ? left : { ...left, final: 1 };
    this.say(name);
  }

  /** Ends the step that was begun last. */
  end(): void {
    const step = this.#current;
    this.#current = null;
    if (step === null || this.#work.done === step.done) return;
    this.#forecast.note(step.kind, (this.#now() - step.started) / 1000);
  }

  /** Reports the share of the current step that is done, 0..1. */
  advance(share: number, detail: string): void {
    if (this.#current !== null) this.#current.share = share;
    this.say(detail);
  }

  /** True if the budget leaves room for another step of the kind and the final measurements. */
  hasTime(kind: StepKind): boolean {
    this.end();
    if (this.#budget === null) return true;
    const each = this.#forecast.costOf(kind) ?? 0;
    const final = this.#forecast.costOf('final') ?? 0;
    return this.#spent + each + Math.max(MIN_RESERVE, final) <= this.#budget;
  }

  /** Seconds until the end, at most the budget; null if unknown. */
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
