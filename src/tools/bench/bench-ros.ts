import type { FixedRateStats, PeersBenchReport, RosBenchReport, RosTrial } from '../../contract/bench.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { BundleRef, Host, RunReport } from '../../contract/report.ts';
import { findPeak, PEAK_DEFAULTS } from './peak.ts';
import type { TrialOptions, TrialOutcome } from './ros-trial.ts';
import { median } from '../../core/median.ts';

/** Options of both ROS benchmarks; a trial adds who, rate and seconds. */
export type RosBenchOptions = Omit<TrialOptions, 'who' | 'rate' | 'seconds'>;

export type PrintLine = (line: string) => void;

/** Runs one trial: camera, detector and listener, each a process. */
export type TrialRunner = (options: TrialOptions) => Promise<TrialOutcome>;

function settingsOf(options: RosBenchOptions): RosBenchReport['settings'] {
  const { bundle, width, height, detector } = options;
  return { bundle, width, height, detector: { ...detector } };
}

/** One line for a terminal. */
export function describeTrial(trial: RosTrial): string {
  const { p50, p99 } = trial.latencyMs;
  const missed = (trial.missedRatio * 100).toFixed(2);
  const { rssBytes } = trial;
  const memory =
    `RSS peak ${(rssBytes.peak / 1048576).toFixed(0)} MiB, growth ` +
    `${(rssBytes.growthRatio * 100).toFixed(1)} %`;
  return (
    `${trial.who} at ${trial.rate.toFixed(1)}/s: sent ${trial.sent}, received ` +
    `${trial.received} (missed ${missed} %), ` +
    `stamp to receipt p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${memory}`
  );
}

/**
 * Measures the main job from outside: camera, detector and an rclpy listener in three processes.
 * @throws GoshawkError GOSHAWK_BENCH_PROCESS
 */
export async function benchRos(
  runTrial: TrialRunner,
  options: RosBenchOptions & { rate: number; seconds: number },
  host: Host,
  say: PrintLine,
): Promise<RosBenchReport> {
  const startedAt = new Date().toISOString();
  const { trial, run, sentSinceFirst } = await runTrial({ ...options, who: 'goshawk' });
  say(describeTrial(trial));
  if (run === null) throw noReport();
  const declared =
    run.frames.published + Object.values(run.frames.drops).reduce((sum, count) => sum + count, 0);
  return {
    schema: 'goshawk.report.bench-ros/2',
    startedAt,
    host,
    bundle: run.bundle,
    settings: settingsOf(options),
    frames: run.frames,
    fps: run.fps,
    latencyMs: run.latencyMs,
    trial,
    undeclared: Math.max(0, sentSinceFirst - declared),
  };
}

/**
 * Peak sustained rate of Goshawk and of the plain Python node, and their latency at a fixed rate, measured in
 * turn on this machine `rounds` times, so that anything that slows the machine affects both.
 * @throws GoshawkError GOSHAWK_BENCH_PROCESS
 */
export async function benchPeers(
  runTrial: TrialRunner,
  options: RosBenchOptions & {
    seconds: number;
    rounds: number;
    missedLimit: number;
    fixedRate: number;
    peerModelDigest: string;
  },
  host: Host,
  say: PrintLine,
): Promise<PeersBenchReport> {
  const startedAt = new Date().toISOString();
  const trials: RosTrial[] = [];
  let bundle: BundleRef | null = null;
  const measure = async (who: RosTrial['who'], rate: number): Promise<RosTrial> => {
    const { trial, run } = await runTrial({ ...options, who, rate });
    trials.push(trial);
    bundle = sameBundle(bundle, run);
    const sustained = trial.missedRatio <= options.missedLimit;
    say(`${sustained ? 'sustained' : 'missed   '}  ${describeTrial(trial)}`);
    return trial;
  };
  const peakOf = (who: RosTrial['who']): Promise<number> =>
    findPeak(async (rate) => (await measure(who, rate)).missedRatio <= options.missedLimit, {
      ...PEAK_DEFAULTS,
      highest: 200,
    });
  const peaks: PeersBenchReport['peaks'] = [];
  const fixed: PeersBenchReport['fixedRate']['rounds'] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const atFixedRate = {
      pythonPeer: statsOf(await measure('python-peer', options.fixedRate)),
      goshawk: statsOf(await measure('goshawk', options.fixedRate)),
    };
    fixed.push(atFixedRate);
    const pythonPeer = await peakOf('python-peer');
    const goshawk = await peakOf('goshawk');
    peaks.push({ goshawk, pythonPeer, ratio: pythonPeer > 0 ? goshawk / pythonPeer : 0 });
    say(describeRound(round + 1, peaks.at(-1)!, options.fixedRate, atFixedRate));
  }
  if (bundle === null) throw noReport();
  return {
    schema: 'goshawk.report.bench-peers/2',
    startedAt,
    host,
    bundle,
    peerModelDigest: options.peerModelDigest,
    settings: settingsOf(options),
    missedLimit: options.missedLimit,
    peaks,
    ratio: median(peaks.map(({ ratio }) => ratio)),
    fixedRate: { rate: options.fixedRate, rounds: fixed, ratios: ratiosOf(fixed) },
    trials,
  };
}

function noReport(): GoshawkError {
  return new GoshawkError('GOSHAWK_INTERNAL', { reason: 'the detector of the trial wrote no report' });
}

/** The bundle of all trials so far. A report never mixes measurements of two bundles. */
function sameBundle(known: BundleRef | null, run: RunReport | null): BundleRef | null {
  if (run === null || known === null || known.digest === run.bundle.digest) return run?.bundle ?? known;
  const names = [known, run.bundle].map(({ name, version, digest }) => `${name}@${version} (${digest})`);
  throw new GoshawkError('GOSHAWK_BENCH_PROCESS', {
    name: 'goshawk detector',
    reason: `the bundle changed between two trials, from ${names.join(' to ')}`,
    output: '',
  });
}

function statsOf({ latencyMs, cpuMsPerFrame }: RosTrial): FixedRateStats {
  return { p50: latencyMs.p50, p99: latencyMs.p99, cpuMsPerFrame };
}

/** Medians over the rounds; a round without a value of the peer counts as 0. */
export function ratiosOf(rounds: PeersBenchReport['fixedRate']['rounds']): FixedRateStats {
  const ratio = (name: keyof FixedRateStats): number =>
    median(
      rounds.map(({ goshawk, pythonPeer }) => (pythonPeer[name] > 0 ? goshawk[name] / pythonPeer[name] : 0)),
    );
  return { p50: ratio('p50'), p99: ratio('p99'), cpuMsPerFrame: ratio('cpuMsPerFrame') };
}

function describeRound(
  round: number,
  { goshawk, pythonPeer, ratio }: PeersBenchReport['peaks'][number],
  rate: number,
  fixed: PeersBenchReport['fixedRate']['rounds'][number],
): string {
  const stats = ({ p50, p99, cpuMsPerFrame }: FixedRateStats): string =>
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, CPU ${cpuMsPerFrame.toFixed(1)} ms per frame`;
  return (
    `round ${round}: peak goshawk ${goshawk}/s, python peer ${pythonPeer}/s (${ratio.toFixed(2)}x); ` +
    `at ${rate}/s goshawk ${stats(fixed.goshawk)}; python peer ${stats(fixed.pythonPeer)}`
  );
}
