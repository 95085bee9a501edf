import type { Clock, TimerHandle } from './clock.ts';

/** The result of `withTimeLimit` on timeout. */
export const TIME_IS_UP = Symbol('time is up');

/**
 * Waits for `work`, but not longer than `ms`. Work that settles later is ignored, including a late rejection.
 * @returns the result or `TIME_IS_UP`; rejects as `work` does within the time
 */
export function withTimeLimit<T>(work: Promise<T>, ms: number, clock: Clock): Promise<T | typeof TIME_IS_UP> {
  return new Promise((resolve, reject) => {
    const timer: TimerHandle = clock.startTimer(() => {
      resolve(TIME_IS_UP);
    }, ms);
    work.then(
      (value) => {
        clock.stopTimer(timer);
        resolve(value);
      },
      (error: unknown) => {
        clock.stopTimer(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
