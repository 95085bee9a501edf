import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  BROKER_CONDITIONS,
  type BrokerCondition,
  type ConditionSummary,
  type TelemetryBenchReport,
  type TelemetryTrial,
} from '../../../contract/bench-telemetry.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { median } from '../../../core/median.ts';
import type { BundleRef, Host } from '../../../contract/report.ts';
import { streamRow, type Stream } from '../../../contract/telemetry/streams.ts';
import { freePort } from '../../../platform/free-port.ts';
import { MosquittoProcess } from '../../fleet/mosquitto.ts';
import { medianBeside, summarizeTrials, turnedBy } from '../rounds.ts';
import type { TrialSettings } from '../trial/measure-trial.ts';
import type { ReceivedStream } from './acking-fleet.ts';
import { brokerEnd } from './broker-ends.ts';
import { checkBacklog } from './check-backlog.ts';
import { FarEnd } from './far-end.ts';
import { runTelemetryTrial } from './telemetry-trial.ts';
import { hasBacklog, TrialBacklog } from './trial-backlog.ts';

const DAY_SECONDS = 86_400;
const WARMUP_SECONDS = 1;
/** Windows of the default length would be over after the trial. */
const DRIFT_WINDOW_SECONDS = 2;

export interface TelemetryBenchOptions extends TrialSettings {
  readonly rounds: number;
  /** of those that there are; `off`, which the others are compared with, is always among them */
  readonly conditions: readonly BrokerCondition[];
  /** of a robot without a broker, whose messages wait in some conditions */
  readonly backlogHours: number;
  /** of the network through which they are sent */
  readonly catchUpBitsPerSecond: number;
  /** empty; for everything that the trials write */
  readonly folder: string;
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * The latency of frames with and without telemetry, and with brokers that do not behave, in turn in one run. A round
 * tries every condition once, each round in another order.
 * @throws GoshawkError GOSHAWK_MOSQUITTO_MISSING, GOSHAWK_BENCH_PROCESS, GOSHAWK_BENCH_BACKLOG; the reason of the
 *   signal if that ended it
 */
export async function benchTelemetry(options: TelemetryBenchOptions): Promise<TelemetryBenchReport> {
  const startedAt = new Date().toISOString();
  const port = await freePort();
  const broker = new MosquittoProcess(makeFolder(options.folder, 'broker'), port, []);
  let farEnd: FarEnd | null = null;
  try {
    farEnd = await FarEnd.start(broker);
    const backlog = options.conditions.some(hasBacklog)
      ? await TrialBacklog.make({ ...options, hours: options.backlogHours })
      : null;
    const { trials, bundle } = await runRounds(options, { farEnd, backlog });
    const received = await farEnd.close();
    farEnd = null;
    const conditions = summarize(trials);
    // what looking at images takes is not telemetry's
    const own = <T extends { readonly condition: BrokerCondition }>(all: readonly T[]): readonly T[] =>
      all.filter(({ condition }) => condition !== 'drift');
    const largest = (value: (one: ConditionSummary) => number): number =>
      Math.max(...own(conditions).map(value));
    const { rounds, settleSeconds, seconds, rate, width, height } = options;
    return {
      schema: 'goshawk.report.bench-telemetry/1',
      startedAt,
      host: options.host,
      bundle,
      settings: { rounds, settleSeconds, seconds, rate, width, height },
      conditions,
      bytesByStream: bytesByStream(received),
      ...(backlog === null ? {} : { backlog: backlog.report(options.catchUpBitsPerSecond) }),
      acceptance: {
        worstP99Ratio: largest(({ p99Ratio }) => p99Ratio),
        telemetryCores: Math.max(...own(trials).map(({ telemetryCores }) => telemetryCores)),
        rssMoreBytes: largest(({ rssMoreBytes }) => rssMoreBytes),
      },
      trials,
    };
  } finally {
    await farEnd?.close();
    await broker.kill();
  }
}

function makeFolder(parent: string, name: string): string {
  const folder = join(parent, name);
  mkdirSync(folder);
  return folder;
}

/** What trials find. */
interface Surroundings {
  /** behind the good broker */
  readonly farEnd: FarEnd;
  /** null if no condition needs it */
  readonly backlog: TrialBacklog | null;
}

async function runRounds(
  options: TelemetryBenchOptions,
  around: Surroundings,
): Promise<{ trials: TelemetryTrial[]; bundle: BundleRef }> {
  const trials: TelemetryTrial[] = [];
  let bundle: BundleRef | null = null;
  const conditions = BROKER_CONDITIONS.filter((one) => one === 'off' || options.conditions.includes(one));
  // the first one reads everything from the disk
  const warmUp = { ...options, settleSeconds: 0, seconds: WARMUP_SECONDS };
  await runWatched(warmUp, -1, 'off', around);
  for (let round = 0; round < options.rounds; round += 1)
    for (const condition of turnedBy(conditions, round)) {
      const { trial, run } = await runWatched(options, round, condition, around);
      if (around.backlog !== null) checkBacklog(trial, around.backlog.windows);
      trials.push(trial);
      bundle ??= run.bundle;
      options.say(describeTrial(trial));
    }
  if (bundle === null)
    throw new GoshawkError('GOSHAWK_USAGE', { reason: 'a benchmark has a round at least' });
  return { trials, bundle };
}

/** A trial, with what the fleet saw of it. */
async function runWatched(
  options: TelemetryBenchOptions,
  round: number,
  condition: BrokerCondition,
  around: Surroundings,
): ReturnType<typeof runTelemetryTrial> {
  const { farEnd } = around;
  const url = await farEnd.begin(condition === 'catch-up' ? options.catchUpBitsPerSecond : null);
  const { trial, run } = await runInCondition(options, { round, condition, url }, around.backlog);
  return { trial: { ...trial, ...(await farEnd.end()) }, run };
}

/** @param url of the good broker */
async function runInCondition(
  options: TelemetryBenchOptions,
  { round, condition, url }: { round: number; condition: BrokerCondition; url: string },
  backlog: TrialBacklog | null,
): ReturnType<typeof runTelemetryTrial> {
  const folder = makeFolder(options.folder, `${round}-${condition}`);
  const place = { round, condition, folder, signal: options.signal };
  if (condition === 'off' || condition === 'again')
    return runTelemetryTrial(options, { ...place, url: null });
  if (hasBacklog(condition)) backlog?.copyTo(folder);
  const good = { ...place, url };
  if (condition === 'good' || condition === 'catch-up') return runTelemetryTrial(options, good);
  if (condition === 'drift') {
    const parts = { ...options.parts, drift_window_s: DRIFT_WINDOW_SECONDS };
    return runTelemetryTrial({ ...options, parts }, good);
  }
  const end = await brokerEnd(condition, Number(new URL(url).port));
  try {
    return await runTelemetryTrial(options, { ...place, url: end.url });
  } finally {
    end.close();
  }
}

function describeTrial(trial: TelemetryTrial): string {
  const { round, condition, latencyMs, telemetryCores, rssBytes, outbox } = trial;
  const [begin, end] = [outbox?.begin?.messages ?? 0, outbox?.end?.messages ?? 0];
  const waited = hasBacklog(condition) ? `, ${begin} messages waited, ${end} at the end` : '';
  return (
    `round ${round + 1}, ${condition}: p50 ${latencyMs.p50.toFixed(1)} ms, p99 ${latencyMs.p99.toFixed(1)} ms, ` +
    `telemetry ${(telemetryCores * 100).toFixed(2)} % of a core, RSS ${(rssBytes / 1048576).toFixed(0)} MiB${waited}`
  );
}

/** Medians over the rounds of each condition, and of its ratios to the trial without telemetry of the same round. */
export function summarize(trials: readonly TelemetryTrial[]): ConditionSummary[] {
  const off = trials.filter(({ condition }) => condition === 'off');
  const tried = BROKER_CONDITIONS.filter((condition) => trials.some((one) => one.condition === condition));
  return tried.map((condition) => {
    const own = trials.filter((one) => one.condition === condition);
    const telemetryCores = medianBeside(own, off, (one) => one.telemetryCores);
    const live = own.flatMap(({ firstLiveSeconds: seconds = null }) => (seconds === null ? [] : [seconds]));
    const firstLiveSeconds = live.length === 0 ? null : median(live);
    return { condition, ...summarizeTrials(own, off), telemetryCores, firstLiveSeconds };
  });
}

function bytesByStream(received: ReadonlyMap<Stream, ReceivedStream>): TelemetryBenchReport['bytesByStream'] {
  return [...received].map(([stream, { messages, bytes }]) => {
    const { periodSeconds } = streamRow(stream);
    const bytesPerMessage = bytes / messages;
    const bytesPerDay = periodSeconds === null ? null : (bytesPerMessage * DAY_SECONDS) / periodSeconds;
    return { stream, messages, bytesPerMessage, bytesPerDay };
  });
}
