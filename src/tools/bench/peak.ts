/** Returns whether a rate (frames per second) was sustained; each call is one trial. */
export type Trial = (rate: number) => Promise<boolean>;

export interface PeakOptions {
  readonly lowest: number;
  readonly highest: number;
  /** the bisection ends when its interval is at most this wide */
  readonly width: number;
  /** step of the linear search that follows */
  readonly step: number;
}

/** ros2_benchmark's defaults. */
export const PEAK_DEFAULTS: PeakOptions = { lowest: 10, highest: 100, width: 10, step: 5 };

/**
 * The highest sustained rate, found like ros2_benchmark does: bisection to an interval of `width`, then steps
 * of `step` upwards from its lower end until one fails. 0 if not even `lowest` is sustained.
 */
export async function findPeak(trial: Trial, options: PeakOptions = PEAK_DEFAULTS): Promise<number> {
  let low = options.lowest;
  let high = options.highest;
  // Try twice: the first trial on a cold machine is not representative.
  if (!(await trial(low)) && !(await trial(low))) return 0;
  while (high - low > options.width) {
    const middle = (low + high) / 2;
    if (await trial(middle)) low = middle;
    else high = middle;
  }
  let peak = low;
  while (peak + options.step <= options.highest && (await trial(peak + options.step))) peak += options.step;
  return peak;
}
