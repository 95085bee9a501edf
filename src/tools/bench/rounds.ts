import { median } from '../../core/median.ts';

/** The list, begun at another place: each round tries conditions in another order. */
export function turnedBy<T>(list: readonly T[], count: number): readonly T[] {
  const at = count % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** The median over rounds of what a trial is beside the base of its round; rounds without a base are left out. */
export function medianBeside<T extends { readonly round: number }>(
  trials: readonly T[],
  bases: readonly T[],
  value: (one: T, base: T) => number,
): number {
  const byRound = new Map(bases.map((base) => [base.round, base]));
  return median(
    trials.flatMap((one) => {
      const base = byRound.get(one.round);
      return base === undefined ? [] : [value(one, base)];
    }),
  );
}

interface RoundTrial {
  readonly round: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  readonly rssBytes: number;
}

/** Medians of the trials of a condition, alone and beside those of `off`; rounds without one are left out. */
export function summarizeTrials(own: readonly RoundTrial[], off: readonly RoundTrial[]) {
  const beside = (value: (one: RoundTrial, base: RoundTrial) => number): number =>
    medianBeside(own, off, value);
  return {
    p50Ms: beside(({ latencyMs }) => latencyMs.p50),
    p99Ms: beside(({ latencyMs }) => latencyMs.p99),
    p50Ratio: beside((one, base) => ratioOf(one.latencyMs.p50, base.latencyMs.p50)),
    p99Ratio: beside((one, base) => ratioOf(one.latencyMs.p99, base.latencyMs.p99)),
    rssMoreBytes: beside((one, base) => one.rssBytes - base.rssBytes),
  };
}

/** How many times as much; 0 beside nothing. */
function ratioOf(value: number, base: number): number {
  return base > 0 ? value / base : 0;
}
