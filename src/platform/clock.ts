/** A pending timer; its type depends on the clock that created it. */
export type TimerHandle = object;

/** Time and timers, injected so that tests control the time and ROS can provide its own. */
export interface Clock {
  /** milliseconds that never run backwards; the origin is arbitrary */
  monotonicMs(): number;
  /** milliseconds since the epoch on the clock that stamps messages (ROS time if a simulation publishes it) */
  wallMs(): number;
  /** calls `callback` once after `ms` milliseconds of the monotonic clock */
  startTimer(callback: () => void, ms: number): TimerHandle;
  stopTimer(handle: TimerHandle): void;
}

/** The machine's clocks. Timers do not keep the process alive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  startTimer: (callback, ms) => setTimeout(callback, ms).unref(),
  stopTimer: (handle) => {
    clearTimeout(handle as NodeJS.Timeout);
  },
};
