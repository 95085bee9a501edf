import type { Clock, TimerHandle } from '../../../platform/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is advanced, so that hours pass in seconds. */
export class SteppedClock implements Clock {
  #nowMs = 0;
  readonly #beginMs: number;
  readonly #timers = new Set<Timer>();

  /** @param beginMs milliseconds since the epoch */
  constructor(beginMs: number) {
    this.#beginMs = beginMs;
  }

  readonly monotonicMs = (): number => this.#nowMs;
  readonly wallMs = (): number => this.#beginMs + this.#nowMs;

  startTimer(callback: () => void, ms: number): TimerHandle {
    const timer = { atMs: this.#nowMs + ms, callback };
    this.#timers.add(timer);
    return timer;
  }

  stopTimer(handle: TimerHandle): void {
    this.#timers.delete(handle as Timer);
  }

  /** Time passes; what is due is called, the earliest first. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let timer = this.#nextUntil(endMs); timer !== undefined; timer = this.#nextUntil(endMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.callback();
    }
    this.#nowMs = endMs;
  }

  #nextUntil(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.atMs <= endMs && timer.atMs < (next?.atMs ?? Infinity)) next = timer;
    return next;
  }
}
