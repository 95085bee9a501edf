/** A pending timer. What it is depends on the clock that made it. */
export type TimerHandle = object;

/** Time and timers, injected so that tests decide when time passes and ROS can bring its own time. */
export interface Clock {
  /** milliseconds that never run backwards; the origin is arbitrary */
  monotonicMs(): number;
  /** milliseconds since the epoch on the clock that stamps messages (ROS time where a simulation publishes one) */
  wallMs(): number;
  /** calls `callback` once after `ms` milliseconds of the monotonic clock */
  startTimer(callback: () => void, ms: number): TimerHandle;
  stopTimer(handle: TimerHandle): void;
}

/** The machine's clocks. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  startTimer: (callback, ms) => setTimeout(callback, ms).unref(),
  stopTimer: (handle) => {
    clearTimeout(handle as NodeJS.Timeout);
  },
};
