import { describeSetting, type EngineSetting, type SettingCandidates } from './settings.ts';

/** What one setting did in each round. All settings have the same rounds, measured in turns. */
export interface SettingRounds {
  readonly setting: EngineSetting;
  /**
   * milliseconds from hand-over to result, with as many jobs in flight as the setting takes; the median of
   * each round
   */
  readonly latencyMs: readonly number[];
  /** results a second with as many jobs in flight as the setting takes */
  readonly rate: readonly number[];
}

/** The figures of a setting over all rounds. */
export interface MeasuredSetting extends EngineSetting {
  readonly latencyMs: number;
  readonly rate: number;
}

/** The settings to run with. */
export interface SizingChoice {
  /** while the engine keeps up */
  readonly latency: EngineSetting;
  /** while frames are superseded; null where there is none that was measured to be faster, or that could be */
  readonly throughput: EngineSetting | null;
  /** false where nothing was measured, or not well enough */
  readonly isMeasured: boolean;
  /** for people */
  readonly why: string;
  /** empty where nothing was measured */
  readonly measured: readonly MeasuredSetting[];
}

/** Fewer rounds say too little about each other. */
export const FEWEST_ROUNDS = 3;
/**
 * The slower half of the rounds may take so many times as long as the faster half before nobody can tell
 * settings apart.
 */
const WIDEST_SPREAD = 2;
/**
 * Workers on cores of their own give this much more than one of them at least, two on one core's two threads
 * included.
 */
const MIN_GAIN = 1.15;
/** Threads gain no more than their number, but for this much of chance. */
const CHANCE = 1.15;
/** Fewer threads are taken where they are as fast up to this share: what they leave free is for others. */
const NEARLY_AS_FAST = 1.1;
/** A move is worth it only for this much more. */
const CLEARLY_MORE = 1.05;
/** ... in this share of the rounds at least */
const MAX_ROUNDS = 0.75;

/** Chooses from what was measured; where that cannot be trusted, what is safe. */
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
    const why = `the machine is too busy to measure: rounds of one setting differ by a factor of ${widest.toFixed(1)}`;
    return safeChoice(candidates, why);
  }
  if (!haveOwnCores(rounds)) {
    const why =
      'the machine is too busy to measure: its cores were not free for all workers and threads alike';
    return safeChoice(candidates, why);
  }
  const quickest = Math.min(...latency.map(({ latencyMs }) => median(latencyMs)));
  const best = latency.find(({ latencyMs }) => median(latencyMs) <= NEARLY_AS_FAST * quickest) ?? first;
  const throughput = fastestBeyond(
    best,
    candidates.throughput.flatMap((setting) => found(setting) ?? []),
  );
  return {
    latency: best.setting,
    throughput: throughput?.setting ?? null,
    isMeasured: true,
    why: explain(best, throughput),
    measured: rounds.map(({ setting, latencyMs, rate }) => ({
      ...setting,
      latencyMs: median(latencyMs),
      rate: median(rate),
    })),
  };
}

/**
 * What is taken without a measurement. Another setting is only tried, under a load that is too much for the
 * safe one.
 */
export function safeChoice({ safe, throughput }: SettingCandidates, why: string): SizingChoice {
  const [other = null] = throughput;
  const more =
    other === null
      ? ''
      : `, and ${describeSetting(other)} is tried where frames are superseded and kept where it proves faster`;
  const words = `${why}; ${describeSetting(safe)} is safe on this machine${more}`;
  return { latency: safe, throughput: other, isMeasured: false, why: words, measured: [] };
}

/** Several workers that give so many times as much as one had cores that were free. */
const FREE_CORES_GAIN = 1.5;
/** The same doubtful result so many times in a row is believed. */
const ENOUGH_DOUBTS = 3;

/**
 * True where threads that share an image gained nothing although several images at once gained as much as
 * they should. It may be so for a small network. A virtual machine was also seen to do it for seconds to
 * minutes, as if its cores were far apart for a while, and then no more.
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

/** True where a doubtful measurement was made so often that it is believed. */
export function isBelieved(doubts: number): boolean {
  return doubts === 0 || doubts >= ENOUGH_DOUBTS;
}

/**
 * What is run with after the `doubts`th doubtful measurement in a row, 0 for one that is not: as measured, or
 * for latency what is safe.
 */
export function settleDoubts(
  choice: SizingChoice,
  { safe }: SettingCandidates,
  doubts: number,
): SizingChoice {
  if (isBelieved(doubts)) return choice;
  const why =
    `${choice.why}; that threads gain nothing where workers do is doubted, so ` +
    `${describeSetting(safe)} answers for now, ` +
    `and it is measured again at the next start (${String(doubts)} of ${String(ENOUGH_DOUBTS)})`;
  return { ...choice, latency: safe, why };
}

/**
 * False where something else had a core while one setting was measured and not while another was, round after
 * round: several workers that give no more than one, or threads that gain more than there are of them.
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

/** The setting with the highest rate among those that beat `base` clearly and in most rounds; null where none does. */
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

function explain(best: SettingRounds, throughput: SettingRounds | null): string {
  const stats = ({ setting, latencyMs, rate }: SettingRounds): string =>
    `${describeSetting(setting)} (${median(latencyMs).toFixed(1)} ms, ${median(rate).toFixed(0)} a second)`;
  const more =
    throughput === null
      ? 'no other setting gives a higher rate'
      : `${stats(throughput)} gives the highest rate`;
  return `measured here: ${stats(best)} answers soonest, ${more}`;
}

/** The middle one, the lower of two; NaN of none. */
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
