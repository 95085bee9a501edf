/** What is being done, for a line on a terminal. */
export interface ProgressEvent {
  readonly step: string;
  readonly detail: string;
  /** seconds until the end, as far as can be told; null where nothing is known yet */
  readonly remaining: number | null;
}

export type OnProgress = (event: ProgressEvent) => void;

/** A step that is over. */
export interface StepTime {
  readonly name: string;
  readonly seconds: number;
  /** true where an earlier run did all of it that is kept */
  readonly reused: boolean;
}

/** Seconds kept back of a time budget for measuring and writing what was found, at least. */
const LEAST_RESERVE = 20;
/** Candidates that the final measurements are worth. */
const FINAL_COST = 8;

/**
 * Where the run stands: how long steps took, what remains, and whether the budget allows another candidate. The clock is given, in milliseconds.
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
  #candidates = 0;
  #searchStarted: number | null = null;
  /** seconds that the budget is not for */
  #uncounted = 0;
  #candidatesLeft = 0;

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

  /** One more candidate is begun; at most so many come after it. */
  beginCandidate(name: string, left: number): void {
    this.#searchStarted ??= this.#now();
    this.#candidatesLeft = left;
    this.#candidates += 1;
    this.say(name);
  }

  /** Seconds that candidates took on average, the one at work included. */
  #candidateSeconds(): number | null {
    if (this.#searchStarted === null || this.#candidates < 2) return null;
    return (this.#now() - this.#searchStarted) / 1000 / (this.#candidates - 1);
  }

  /** True where the budget leaves room for one more candidate and the final measurements. */
  hasTime(): boolean {
    if (this.#budget === null) return true;
    const each = this.#candidateSeconds() ?? 0;
    return this.#spent + each + Math.max(LEAST_RESERVE, FINAL_COST * each) <= this.#budget;
  }

  /** Seconds until the end: what the candidates left would take, and never more than the budget. */
  remaining(): number | null {
    const each = this.#candidateSeconds();
    if (each === null) return null;
    const needed = each * (this.#candidatesLeft + FINAL_COST);
    return this.#budget === null ? needed : Math.max(0, Math.min(needed, this.#budget - this.#spent));
  }
}
