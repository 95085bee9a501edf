import type { HistogramSummary } from '../../core/histogram.ts';

/** `sorted[floor(n p)]`, MLPerf LoadGen's percentile; 0 for an empty list. */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;
}

/** Percentiles of a list, in its unit. */
export function spreadOf(values: readonly number[]): HistogramSummary {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    count: sorted.length,
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
    max: sorted.at(-1) ?? 0,
  };
}

/** |second difference of arrival times| in milliseconds, ros2_benchmark's jitter. */
export function jitterMs(arrivals: readonly number[]): number[] {
  const jitter: number[] = [];
  for (let index = 2; index < arrivals.length; index += 1) {
    const a = arrivals[index - 2] ?? 0;
    const b = arrivals[index - 1] ?? 0;
    const c = arrivals[index] ?? 0;
    jitter.push(Math.abs(c - 2 * b + a) * 1000);
  }
  return jitter;
}
