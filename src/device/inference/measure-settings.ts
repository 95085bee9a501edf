import { FEWEST_ROUNDS, type SettingRounds } from '../../core/sizing/choice.ts';
import type { EngineSetting } from '../../core/sizing/settings.ts';
import type { Clock } from '../../platform/clock.ts';
import type { DecodeLimits, InferenceEngine, InferenceInput } from './engine.ts';

/** A setting and an engine to measure it with, which may have more workers than get work. */
export interface SettingProbe {
  readonly setting: EngineSetting;
  readonly engine: Pick<InferenceEngine, 'infer'>;
}

export interface MeasureOptions {
  readonly probes: readonly SettingProbe[];
  /** shape and size of one image; each job gets its own copy */
  readonly image: Omit<InferenceInput, 'pixels'> & { readonly bytes: number };
  readonly limits: DecodeLimits;
  readonly clock: Clock;
  /** milliseconds after which no further round starts, once there are three */
  readonly enoughMs: number;
  /** milliseconds after which the measurement ends with the rounds that it has */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** More rounds would not change the result. */
const MAX_ROUNDS = 7;
/** Jobs per runner in one round. */
const JOBS_EACH = 3;
/** The gray of letterbox borders. */
const GRAY = 114;

interface RoundStats {
  readonly latencyMs: number;
  readonly rate: number;
}

/**
 * Runs the real graph in each setting in turn, round by round, so that a temporary slowdown of the machine affects all
 * of them. A round cut short by the time limit or the signal is discarded.
 * @throws the first failure of a job: a setting that cannot run the model is not a candidate
 */
export async function measureSettings(options: MeasureOptions): Promise<SettingRounds[]> {
  const { probes, clock, enoughMs, limitMs, signal } = options;
  const startedAt = clock.monotonicMs();
  const endsAt = startedAt + limitMs;
  const results = probes.map(({ setting }) => ({
    setting,
    latencyMs: [] as number[],
    rate: [] as number[],
  }));
  const mayGoOn = (): boolean => !signal.aborted && clock.monotonicMs() < endsAt;
  // a runner's first run says nothing about its second
  for (const { setting, engine } of probes) await runJobs(engine, setting, setting.workers, options, mayGoOn);
  for (let round = 0; round < MAX_ROUNDS && mayGoOn(); round += 1) {
    if (round >= FEWEST_ROUNDS && clock.monotonicMs() - startedAt >= enoughMs) break;
    const stats: RoundStats[] = [];
    for (const { setting, engine } of probes) {
      const one = await runJobs(engine, setting, JOBS_EACH * setting.workers, options, mayGoOn);
      if (one === null) break;
      stats.push(one);
    }
    if (stats.length < probes.length) break;
    for (const [index, { latencyMs, rate }] of stats.entries()) {
      results[index]?.latencyMs.push(latencyMs);
      results[index]?.rate.push(rate);
    }
  }
  return results;
}

/** Keeps as many jobs in flight as the setting takes until `count` are done; null if cut short. */
async function runJobs(
  engine: SettingProbe['engine'],
  { workers, queueDepth }: EngineSetting,
  count: number,
  { image, limits, clock }: MeasureOptions,
  mayGoOn: () => boolean,
): Promise<RoundStats | null> {
  const { bytes, ...shape } = image;
  const times: number[] = [];
  let given = 0;
  const startedAt = clock.monotonicMs();
  const chain = async (): Promise<void> => {
    let pixels = new Uint8Array(bytes).fill(GRAY);
    while (given < count && mayGoOn()) {
      given += 1;
      const handedAt = clock.monotonicMs();
      const { items } = await engine.infer([{ ...shape, pixels }], limits);
      times.push(clock.monotonicMs() - handedAt);
      const [item] = items;
      if (item?.ok !== true && item?.reason !== 'invalid_output')
        throw new Error(item?.message ?? 'a job without a result');
      // a model may well return nothing useful for a gray image; all that counts here is that it ran
      pixels = item.pixels ?? new Uint8Array(bytes).fill(GRAY);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, workers * queueDepth) }, chain));
  if (times.length < count) return null;
  const elapsed = clock.monotonicMs() - startedAt;
  times.sort((a, b) => a - b);
  return { latencyMs: times[Math.floor(times.length / 2)] ?? Number.NaN, rate: (count * 1000) / elapsed };
}
