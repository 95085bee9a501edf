import { describeSetting, type EngineSetting, type SettingCandidates } from './settings.ts';

/**
 * The measurements of one setting in each round. All settings have the same number of rounds, measured in
 * turn.
 */
export interface SettingRounds {
  readonly setting: EngineSetting;
  /**
   * milliseconds from submission to result, with as many jobs in flight as the setting takes; median of each
   * round
   */
  readonly latencyMs: readonly number[];
  /** results per second, with as many jobs in flight as the setting takes */
  readonly rate: readonly number[];
}

/** The measurements of a setting over all rounds. */
export interface MeasuredSetting extends EngineSetting {
  readonly latencyMs: number;
  readonly rate: number;
}

/** The settings to run with. */
export interface SizingChoice {
  /** while the engine keeps up */
  readonly latency: EngineSetting;
  /** while frames are superseded; null if none was measured to be faster, or could be */
  readonly throughput: EngineSetting | null;
  /** whether it was clearly measured to be faster; otherwise it has to prove it under load */
  readonly isProven: boolean;
  /** false if nothing was measured, or not reliably enough */
  readonly isMeasured: boolean;
  /** in words */
  readonly why: string;
  /** empty if nothing was measured */
  readonly measured: readonly MeasuredSetting[];
}

/** Minimum number of rounds for a comparison. */
export const FEWEST_ROUNDS = 3;
/**
 * If the slower half of the rounds takes more than this many times as long as the faster half, settings
 * cannot be compared.
 */
const WIDEST_SPREAD = 2;
/**
 * Several workers on free cores reach at least this many times the rate of one, even two on the two hardware
 * threads of one core.
 */
const MIN_GAIN = 1.15;
/** Threads gain no more than their number, apart from this much chance. */
const CHANCE = 1.15;
/** Fewer threads are preferred if they are this close in speed, which leaves cores to others. */
const NEARLY_AS_FAST = 1.1;
/** A move must gain at least this factor. */
const CLEARLY_MORE = 1.05;
/** ... in at least this share of the rounds */
const MAX_ROUNDS = 0.75;

/** Chooses from the measurements, or the safe setting if they cannot be trusted. */
export function chooseSettings(
  candidates: SettingCandidates,
  rounds: readonly SettingRounds[],
): SizingChoice {
  const found = (setting: EngineSetting): SettingRounds | undefined =>
    rounds.find((entry) => entry.setting === setting);
  const latency = candidates.latency.flatMap((setting) => found(setting) ?? []);
  const [first] = latency;
  if (first === undefined || first.rate.length < FEWEST_ROUNDS)
    return safeChoice(candidates, 'measuring took too long');
  const widest = Math.max(...rounds.map(({ rate }) => spreadOf(rate)));
  if (!(widest <= WIDEST_SPREAD)) {
    const why =
      'the machine is too busy to measure: rounds of the same setting differ by a factor of ' +
      `${widest.toFixed(1)}`;
    return safeChoice(candidates, why);
  }
  if (!haveOwnCores(rounds)) {
    const why =
      'the machine is too busy to measure: its cores were not equally free for all workers and threads';
    return safeChoice(candidates, why);
  }
  const quickest = Math.min(...latency.map(({ latencyMs }) => median(latencyMs)));
  const best = latency.find(({ latencyMs }) => median(latencyMs) <= NEARLY_AS_FAST * quickest) ?? first;
  const others = candidates.throughput.flatMap((setting) => found(setting) ?? []);
  const fastest = fastestBeyond(best, others);
  const throughput = fastest ?? undecidedAgainst(best, others);
  return {
    latency: best.setting,
    throughput: throughput?.setting ?? null,
    isProven: fastest !== null,
    isMeasured: true,
    why: explain(best, fastest, throughput),
    measured: rounds.map(({ setting, latencyMs, rate }) => ({
      ...setting,
      latencyMs: median(latencyMs),
      rate: median(rate),
    })),
  };
}

/**
 * The choice without a measurement. The throughput setting is only tried, under a load that the safe one
 * cannot sustain.
 */
export function safeChoice({ safe, throughput }: SettingCandidates, why: string): SizingChoice {
  const [other = null] = throughput;
  const more = other === null ? '' : `, and ${willBeTried(other)}`;
  const words = `${why}; ${describeSetting(safe)} is safe on this machine${more}`;
  return { latency: safe, throughput: other, isProven: false, isMeasured: false, why: words, measured: [] };
}

/** If several workers reach this many times the rate of one, cores were free. */
const FREE_CORES_GAIN = 1.5;
/** The same doubtful result is believed after this many times in a row. */
const ENOUGH_DOUBTS = 3;

/**
 * True if threads that share an image gained nothing although several images at once gained as much as
 * expected. That can be true for a small network. A virtual machine was also seen to behave like this for
 * seconds to minutes, as if its cores were far apart, and then no longer.
 */
export function isDoubtful({ latency, measured, isMeasured }: SizingChoice): boolean {
  const alone = measured.find(({ workers, threads }) => workers === latency.workers && threads === 1);
  const hasShared = measured.some(({ workers, threads }) => workers === latency.workers && threads > 1);
  if (!isMeasured || latency.threads > 1 || alone === undefined || !hasShared) return false;
  return measured.some(
    ({ workers, threads, rate }) =>
      workers > latency.workers && threads === 1 && rate >= FREE_CORES_GAIN * alone.rate,
  );
}

/** True if a doubtful measurement was repeated often enough to be believed. */
export function isBelieved(doubts: number): boolean {
  return doubts === 0 || doubts >= ENOUGH_DOUBTS;
}

/**
 * The settings to run after the `doubts`th doubtful measurement in a row (0: not doubtful): as measured, or
 * the safe setting for latency.
 */
export function settleDoubts(
  choice: SizingChoice,
  { safe }: SettingCandidates,
  doubts: number,
): SizingChoice {
  if (isBelieved(doubts)) return choice;
  const why =
    `${choice.why}; threads gained nothing although workers did, which is doubtful: ` +
    `${describeSetting(safe)} runs for now, ` +
    `and the next start measures again (${String(doubts)} of ${String(ENOUGH_DOUBTS)})`;
  return { ...choice, latency: safe, why };
}

/**
 * False if something else used a core while one setting was measured but not while another was, round after
 * round: several workers that are no faster than one, or threads that gain more than their number.
 */
function haveOwnCores(rounds: readonly SettingRounds[]): boolean {
  const single = rounds.find(({ setting }) => setting.workers === 1 && setting.threads === 1);
  if (single === undefined) return true;
  return rounds.every(({ setting: { workers, threads, queueDepth }, rate }) => {
    const gain = median(rate) / median(single.rate);
    // a deeper queue hides the way to the runner, which may be most of a small model's time
    const most = queueDepth > single.setting.queueDepth ? Infinity : CHANCE * workers * threads;
    return gain <= most && (workers === 1 || gain >= MIN_GAIN);
  });
}

/**
 * The setting with the highest rate among those that beat `base` clearly and in most rounds; null if none
 * does.
 */
function fastestBeyond(base: SettingRounds, others: readonly SettingRounds[]): SettingRounds | null {
  let fastest: SettingRounds | null = null;
  let highest = CLEARLY_MORE;
  for (const other of others) {
    const ratios = other.rate.map((rate, round) => rate / (base.rate[round] ?? Infinity));
    const wins = ratios.filter((ratio) => ratio > 1).length;
    if (wins < MAX_ROUNDS * ratios.length || median(ratios) < highest) continue;
    fastest = other;
    highest = median(ratios);
  }
  return fastest;
}

/**
 * The setting with the highest rate among those that were clearly faster than `base` in some round, but not in most:
 * whatever slowed the others down may be gone under load. Null if there is none.
 */
function undecidedAgainst(base: SettingRounds, others: readonly SettingRounds[]): SettingRounds | null {
  const undecided = others.filter(({ rate }) =>
    rate.some((one, round) => one >= CLEARLY_MORE * (base.rate[round] ?? Infinity)),
  );
  return undecided.sort((a, b) => median(b.rate) - median(a.rate))[0] ?? null;
}

const willBeTried = (setting: EngineSetting): string =>
  `${describeSetting(setting)} is tried if frames are superseded and kept if it proves faster`;

function explain(
  best: SettingRounds,
  fastest: SettingRounds | null,
  throughput: SettingRounds | null,
): string {
  const stats = ({ setting, latencyMs, rate }: SettingRounds): string =>
    `${describeSetting(setting)} (${median(latencyMs).toFixed(1)} ms, ${median(rate).toFixed(0)} per second)`;
  let more = 'no other setting has a higher rate';
  if (fastest !== null) more = `${stats(fastest)} has the highest rate`;
  else if (throughput !== null)
    more = `rounds do not agree on what has the highest rate: ${willBeTried(throughput.setting)}`;
  return `measured here: ${stats(best)} has the lowest latency, ${more}`;
}

/** The median, the lower one of two; NaN if empty. */
function median(values: readonly number[]): number {
  return quantile(values, 0.5, Math.floor);
}

function spreadOf(values: readonly number[]): number {
  return quantile(values, 0.75, Math.ceil) / quantile(values, 0.25, Math.floor);
}

function quantile(values: readonly number[], share: number, round: (index: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[round(share * (sorted.length - 1))] ?? Number.NaN;
}
