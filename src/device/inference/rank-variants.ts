import {
  describeCandidate,
  unchecked,
  type EngineCandidate,
  type VariantChoice,
} from '../../contract/engine-choice.ts';
import type { TrialResult } from './runner-messages.ts';
import type { ProviderCandidate } from './providers.ts';

/**
 * How much faster a variant must be to go before one that is earlier in the manifest: two measurements must not
 * disagree.
 */
const AS_FAST = 1.04;

/** If the median run takes this many times the best run, something else is using the cores. */
const UNSTEADY = 1.5;

/** The outcome of a trial. */
export interface Ranking {
  /** what may run, best first */
  readonly order: readonly ProviderCandidate[];
  readonly how: Extract<VariantChoice['how'], 'measured' | 'busy' | 'order'>;
  readonly why: string;
  /** everything that was tried, what may run first */
  readonly candidates: readonly EngineCandidate[];
}

interface Tried {
  readonly candidate: ProviderCandidate;
  readonly result: TrialResult;
  readonly shown: EngineCandidate;
  /** milliseconds; Infinity if it was not timed */
  readonly median: number;
  readonly best: number;
}

/**
 * The order in which to use the tried candidates: those that pass the reference check by median time, then those that
 * could not be checked, then those that were not timed. On a machine too busy to measure, the given order is kept.
 * Pure.
 * @param candidates in the order that applies if nothing is known
 */
export function rankVariants(
  candidates: readonly ProviderCandidate[],
  results: readonly TrialResult[],
): Ranking {
  const tried = candidates
    .map((candidate, index) => ({ candidate, result: results[index] }))
    .filter((entry): entry is { candidate: ProviderCandidate; result: TrialResult } => isReported(entry))
    .map(({ candidate, result }) => describe(candidate, result));
  const refused = tried.filter(({ result }) => result.check?.verdict === 'refused');
  const usable = tried.filter((entry) => !refused.includes(entry));
  const timed = usable.filter(({ median }) => Number.isFinite(median));
  const isLate = usable.some(({ result }) => result.isLate);
  const isBusy = isLate || isUnsteady(timed);
  const ranked = isBusy ? inTrust(usable) : inTrust(byTime(usable));
  const shown = [...ranked, ...refused].map((entry) => entry.shown);
  const order = ranked.map(({ candidate }) => ({ ...candidate, onlyAfterRefusal: false }));
  if (isBusy) return { order, how: 'busy', why: whyBusy(timed, isLate), candidates: shown };
  const how = timed.length > 0 || usable.length === 1 ? 'measured' : 'order';
  return { order, how, why: whyMeasured(ranked, refused), candidates: shown };
}

/** Candidates that another one made unnecessary are not reported. */
function isReported({
  candidate,
  result,
}: {
  candidate: ProviderCandidate;
  result: TrialResult | undefined;
}): boolean {
  return result !== undefined && !(candidate.onlyAfterRefusal && result.check === null);
}

function describe(candidate: ProviderCandidate, result: TrialResult): Tried {
  const sorted = [...result.times].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Infinity;
  const check = result.check ?? unchecked(result.skipped);
  const shown: EngineCandidate = {
    variant: candidate.variant.id,
    provider: candidate.provider,
    exactInt8: candidate.exactInt8,
    latencyMs: Number.isFinite(median) ? median : null,
    check,
  };
  return { candidate, result, shown, median, best: sorted[0] ?? Infinity };
}

/**
 * Candidates that were checked, or skipped for lack of time, go before those that cannot be checked; those that do not
 * load are last. Stable.
 */
function inTrust(entries: readonly Tried[]): Tried[] {
  const rank = ({ result }: Tried): number =>
    result.isLate || result.check?.verdict === 'passed' ? 0 : result.check === null ? 2 : 1;
  return [...entries].sort((a, b) => rank(a) - rank(b));
}

/** By median; those about as fast as the fastest keep the given order. */
function byTime(entries: readonly Tried[]): Tried[] {
  const fastest = Math.min(...entries.map(({ median }) => median));
  const isFast = ({ median }: Tried): boolean => median <= fastest * AS_FAST;
  return [
    ...entries.filter(isFast),
    ...entries
      .filter((entry) => !isFast(entry))
      .sort((a, b) => (a.median < b.median ? -1 : a.median > b.median ? 1 : 0)),
  ];
}

/** The median points to another candidate than the best run does, and runs of one graph differ a lot. */
function isUnsteady(timed: readonly Tried[]): boolean {
  const first = (of: (entry: Tried) => number): Tried | undefined =>
    [...timed].sort((a, b) => of(a) - of(b))[0];
  const byMedian = first(({ median }) => median);
  const byBest = first(({ best }) => best);
  if (byMedian === undefined || byBest === undefined || byMedian === byBest) return false;
  return timed.some(({ median, best }) => median > UNSTEADY * best);
}

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

function whyMeasured(ranked: readonly Tried[], refused: readonly Tried[]): string {
  const times = ranked
    .filter(({ median }) => Number.isFinite(median))
    .map(({ shown, median }) => `${describeCandidate(shown)} takes ${milliseconds(median)}`);
  const [only] = ranked.length === 1 && times.length === 0 ? ranked : [];
  const alone = only === undefined ? [] : [`${describeCandidate(only.shown)} is the only one left`];
  const others = refused.map(({ shown }) => `${describeCandidate(shown)} was refused`);
  const parts = [...times, ...alone, ...others];
  return parts.length === 0 ? 'the order of the manifest applies: nothing was timed' : parts.join(', ');
}

function whyBusy(timed: readonly Tried[], isLate: boolean): string {
  const spreads = timed.map(
    ({ shown, best, median }) =>
      `${describeCandidate(shown)} ${milliseconds(best)} to ${milliseconds(median)}`,
  );
  const sign = isLate
    ? 'not all variants could be loaded in time'
    : `best and median run: ${spreads.join(', ')}`;
  return (
    `the machine is too busy to measure (${sign}): ` +
    'the order of the manifest applies, and the next start measures again'
  );
}
