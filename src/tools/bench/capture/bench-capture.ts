import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  CAPTURE_CONDITIONS,
  type CaptureBenchReport,
  type CaptureCondition,
  type CaptureSummary,
  type CaptureTrial,
} from '../../../contract/bench-capture.ts';
import type { BundleRef, Host } from '../../../contract/report.ts';
import { median } from '../../../core/median.ts';
import type { PartValues } from '../../../device/parts.ts';
import { medianBeside, summarizeTrials, turnedBy } from '../rounds.ts';
import { coresOf, measureTrial, type TrialSettings } from '../trial/measure-trial.ts';

const WARMUP_SECONDS = 1;
/** A clip that ends after the trial. */
const AFTER_SECONDS = 600;

export interface CaptureBenchOptions extends TrialSettings {
  readonly rounds: number;
  /** of those that there are; `off`, which the others are compared with, is always among them */
  readonly conditions: readonly CaptureCondition[];
  /** of the model: whatever it detects asks for a clip */
  readonly labels: readonly string[];
  /** empty; for everything that the trials write */
  readonly folder: string;
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

interface Trial {
  readonly trial: CaptureTrial;
  readonly bundle: BundleRef;
}

/**
 * The latency of frames, CPU and memory with and without frames that are kept and clips that are recorded, in turn in
 * one run. A round tries every condition once, each round in another order.
 * @throws GoshawkError GOSHAWK_BENCH_PROCESS; the reason of the signal if that ended it
 */
export async function benchCapture(options: CaptureBenchOptions): Promise<CaptureBenchReport> {
  const startedAt = new Date().toISOString();
  // the first one reads everything from the disk
  const warmUp = { ...options, settleSeconds: 0, seconds: WARMUP_SECONDS };
  const { bundle } = await runInCondition(warmUp, -1, 'off');
  const trials = await runRounds(options);
  const { rounds, settleSeconds, seconds, rate, width, height } = options;
  return {
    schema: 'goshawk.report.bench-capture/1',
    startedAt,
    host: options.host,
    bundle,
    settings: { rounds, settleSeconds, seconds, rate, width, height },
    conditions: summarize(trials),
    trials,
  };
}

async function runRounds(options: CaptureBenchOptions): Promise<CaptureTrial[]> {
  const conditions = CAPTURE_CONDITIONS.filter((one) => one === 'off' || options.conditions.includes(one));
  const trials: CaptureTrial[] = [];
  for (let round = 0; round < options.rounds; round += 1)
    for (const condition of turnedBy(conditions, round)) {
      const { trial } = await runInCondition(options, round, condition);
      trials.push(trial);
      options.say(describeTrial(trial));
    }
  return trials;
}

async function runInCondition(
  options: CaptureBenchOptions,
  round: number,
  condition: CaptureCondition,
): Promise<Trial> {
  const folder = join(options.folder, `${String(round)}-${condition}`);
  const clips = join(folder, 'clips');
  mkdirSync(clips, { recursive: true });
  const measured = await measureTrial(
    { ...options, parts: { ...options.parts, ...partsIn(condition, clips, options.labels) } },
    { name: `a trial, ${condition}`, folder, signal: options.signal },
  );
  const { run, latencyMs, rssBytes } = measured;
  const facts = { frames: run.frames, latencyMs, cores: coresOf(measured), rssBytes };
  return { trial: { round, condition, ...facts, clipBytes: bytesIn(clips) }, bundle: run.bundle };
}

/** Settings of capture in a condition; the others are the defaults. */
function partsIn(condition: CaptureCondition, clips: string, labels: readonly string[]): Partial<PartValues> {
  if (condition === 'off' || condition === 'again') return { capture_dir: '' };
  if (condition === 'ring') return { capture_dir: clips };
  return {
    capture_dir: clips,
    capture_after_s: AFTER_SECONDS,
    capture_rare_classes: [...labels],
    capture_privacy: condition === 'blur' ? 'blur' : 'none',
  };
}

function bytesIn(folder: string): number {
  const files = readdirSync(folder).filter((name) => name.endsWith('.mcap'));
  return files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

function describeTrial({ round, condition, latencyMs, cores, rssBytes }: CaptureTrial): string {
  return (
    `round ${String(round + 1)}, ${condition}: p50 ${latencyMs.p50.toFixed(1)} ms, ` +
    `p99 ${latencyMs.p99.toFixed(1)} ms, ${cores.toFixed(2)} cores, RSS ${(rssBytes / 1048576).toFixed(0)} MiB`
  );
}

function summarize(trials: readonly CaptureTrial[]): CaptureSummary[] {
  const off = trials.filter(({ condition }) => condition === 'off');
  const tried = CAPTURE_CONDITIONS.filter((condition) => trials.some((one) => one.condition === condition));
  return tried.map((condition) => {
    const own = trials.filter((one) => one.condition === condition);
    return {
      ...{ condition, ...summarizeTrials(own, off) },
      moreCores: medianBeside(own, off, (one, base) => one.cores - base.cores),
      clipBytes: Math.round(median(own.map(({ clipBytes }) => clipBytes))),
    };
  });
}
