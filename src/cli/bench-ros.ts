import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { PeersBenchReport } from '../contract/bench.ts';
import { GoshawkError } from '../contract/errors.ts';
import { sha256OfFile } from '../model/bundle.ts';
import { childEnvironment } from '../platform/child-environment.ts';
import { requireChild } from '../platform/child-process.ts';
import { describeHost } from '../platform/describe-host.ts';
import { benchPeers, benchRos, type RosBenchOptions, type TrialRunner } from '../tools/bench/bench-ros.ts';
import { numberFrom, repeated, sizeOption, wholeFrom, type Size } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { rosNodes } from './kit/ros-nodes.ts';
import { untilStopped } from './kit/stop-signal.ts';
import { runRosTrial, type TrialPlaces } from '../tools/bench/ros-trial.ts';

const ROOT = join(import.meta.dirname, '../..');
const PEERS = join(ROOT, 'test/peers');
const PEER_PACKAGES = join(ROOT, '.tools/peers');

interface BenchFlags {
  readonly report: string;
  readonly bundle: string;
  readonly seconds: number;
  readonly rate: number;
  readonly size: Size;
  readonly score: number;
  readonly peerThreads: number;
  readonly detector: readonly string[];
}

interface PeersFlags extends BenchFlags {
  readonly rounds: number;
  readonly peerModel: string;
}

function say(line: string): void {
  console.log(line);
}

function trialRunner(signal: AbortSignal): TrialRunner {
  if (process.env['AMENT_PREFIX_PATH'] === undefined) {
    throw new GoshawkError('GOSHAWK_ROS_UNAVAILABLE', {
      reason: 'this shell has no ROS environment (scripts/with-ros provides one)',
    });
  }
  if (!existsSync(join(PEERS, 'detection_listener.py'))) {
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: 'ROS benchmarks need a source checkout: test/peers is missing',
    });
  }
  const places: TrialPlaces = {
    nodes: rosNodes(),
    peers: PEERS,
    python: 'python3',
    peerPackages: PEER_PACKAGES,
  };
  return (options) => runRosTrial(places, options, signal);
}

function settings(flags: BenchFlags, peerModel: string): RosBenchOptions {
  const detector = flags.detector.map((entry): [string, string] => {
    const split = entry.indexOf(':=');
    if (split > 0) return [entry.slice(0, split), entry.slice(split + 2)];
    throw new GoshawkError('GOSHAWK_USAGE', { reason: `--detector takes name:=value, not "${entry}"` });
  });
  return {
    warmupSeconds: 2,
    ...flags.size,
    bundle: flags.bundle,
    peerModel,
    peerThreads: flags.peerThreads,
    score: flags.score,
    detector: Object.fromEntries(detector),
    domain: 20 + (process.pid % 40),
  };
}

/** The peer's Python packages, installed next to the project on first use. */
async function installPeer(signal: AbortSignal): Promise<void> {
  if (existsSync(join(PEER_PACKAGES, 'cv2')) && existsSync(join(PEER_PACKAGES, 'onnxruntime'))) return;
  say('installing OpenCV and onnxruntime for the Python peer (about 20 s, once) ...');
  const requirements = join(PEERS, 'requirements.txt');
  await requireChild({
    command: 'python3',
    args: ['-m', 'pip', 'install', '-q', '--target', PEER_PACKAGES, '-r', requirements],
    env: childEnvironment(),
    signal,
  });
}

/** Adds `goshawk bench ros` and `goshawk bench peers`. */
export function registerBenchRos(bench: Command): void {
  const withCommonOptions = (command: Command): Command =>
    command
      .requiredOption('--report <file>', 'JSON report')
      .option('--bundle <name|path>', 'the model', 'goshawk-street')
      .addOption(sizeOption('--size <WxH>', 'camera image', { width: 1280, height: 720 }))
      .option('--score <0..1>', 'score threshold', numberFrom(0, 1), 0.3)
      .option('--peer-threads <n>', 'ONNX Runtime threads of the Python peer', wholeFrom(1, 256), 2)
      .option('--detector <name:=value>', 'a parameter of the detector node (repeatable)', repeated, []);

  withCommonOptions(bench.command('ros'))
    .description('camera, detector and an rclpy listener in three processes at one rate')
    .option('--rate <hz>', 'frames per second', numberFrom(0.1, 1000), 30)
    .option('--seconds <n>', 'measured time after 2 s of warm-up', numberFrom(0.1, 1e6), 60)
    .action(runRos);

  withCommonOptions(bench.command('peers'))
    .description(
      'peak sustained rate and latency of Goshawk and of a plain rclpy + OpenCV + onnxruntime node, in turn',
    )
    .requiredOption(
      '--peer-model <file>',
      'the same model as the plain ONNX file that the Python node loads (YOLOX)',
    )
    .option('--seconds <n>', 'measured time of each trial', numberFrom(0.1, 1e6), 5)
    .option(
      '--rate <hz>',
      'frames per second at which the latency of both is measured',
      numberFrom(0.1, 1000),
      30,
    )
    .option('--rounds <n>', 'number of times both are measured, in turn', wholeFrom(1, 10_000), 5)
    .action(runPeers);
}

async function runRos(flags: BenchFlags): Promise<void> {
  const { undeclared } = await withReport(flags.report, () => {
    const options = { ...settings(flags, ''), rate: flags.rate, seconds: flags.seconds };
    return untilStopped('bench ros', ({ signal }) =>
      benchRos(trialRunner(signal), options, describeHost(['cpu']), say),
    );
  });
  say(`frames that nobody accounts for: ${undeclared}`);
}

async function runPeers(flags: PeersFlags): Promise<void> {
  const report = await withReport(flags.report, () =>
    untilStopped('bench peers', ({ signal }) => measurePeers(flags, signal)),
  );
  const { p50, p99, cpuMsPerFrame } = report.fixedRate.ratios;
  say(
    `goshawk / python peer, medians of ${report.peaks.length} rounds: peak ${report.ratio.toFixed(2)}x; ` +
      `at ${flags.rate}/s p50 ${p50.toFixed(2)}x, p99 ${p99.toFixed(2)}x, CPU per frame ${cpuMsPerFrame.toFixed(2)}x`,
  );
}

async function measurePeers(flags: PeersFlags, signal: AbortSignal): Promise<PeersBenchReport> {
  const runner = trialRunner(signal);
  const peerModelDigest = await sha256OfFile(flags.peerModel);
  await installPeer(signal);
  const options = {
    ...settings(flags, flags.peerModel),
    seconds: flags.seconds,
    rounds: flags.rounds,
    fixedRate: flags.rate,
    missedLimit: 0.05,
    peerModelDigest,
    // Both have settled by then: a detector with defaults has chosen its setting for the load.
    warmupSeconds: 5,
  };
  return benchPeers(runner, options, describeHost(['cpu']), say);
}
