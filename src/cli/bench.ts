import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { sha256OfFile } from '../model/bundle.ts';
import { childEnvironment } from '../platform/child-environment.ts';
import { describeHost } from '../platform/describe-host.ts';
import { checkOutputFiles, writeReport } from '../platform/outputs.ts';
import { registerBenchHeadline } from './bench-headline.ts';
import { benchPeers, benchRos, type RosBenchOptions, type TrialRunner } from '../tools/bench/bench-ros.ts';
import { runTrial, type TrialPlaces } from '../tools/bench/ros-trial.ts';

const ROOT = join(import.meta.dirname, '../..');
const PEER_PACKAGES = join(ROOT, '.tools/peers');

interface BenchFlags {
  report: string;
  bundle: string;
  seconds: string;
  rate: string;
  size: string;
  score: string;
  rounds: string;
  peerModel?: string;
  peerThreads: string;
  detector: string[];
}

function say(line: string): void {
  console.log(line);
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
    name,
    value: text,
    reason: 'it is no positive number',
  });
}

function trialRunner(): TrialRunner {
  if (process.env['AMENT_PREFIX_PATH'] === undefined) {
    throw new GoshawkError('GOSHAWK_ROS_UNAVAILABLE', {
      reason: 'this shell has no ROS environment (scripts/with-ros gives one)',
    });
  }
  if (!existsSync(join(ROOT, 'test/peers/detection_listener.py'))) {
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: 'ROS benchmarks need a source checkout: test/peers is not there',
    });
  }
  const places: TrialPlaces = { root: ROOT, python: 'python3', peerPackages: PEER_PACKAGES };
  return (options) => runTrial(places, options);
}

function settings(flags: BenchFlags, peerModel: string): RosBenchOptions {
  const [width, height] = flags.size.split('x').map(Number);
  const detector = flags.detector.map((entry): [string, string] => {
    const split = entry.indexOf(':=');
    if (split > 0) return [entry.slice(0, split), entry.slice(split + 2)];
    throw new GoshawkError('GOSHAWK_USAGE', { reason: `--detector takes name:=value, not "${entry}"` });
  });
  return {
    warmupSeconds: 2,
    width: numberOf('size', String(width)),
    height: numberOf('size', String(height)),
    bundle: flags.bundle,
    peerModel,
    peerThreads: numberOf('peer-threads', flags.peerThreads),
    score: numberOf('score', flags.score),
    detector: Object.fromEntries(detector),
    domain: 40 + (process.pid % 60),
  };
}

/** The peer's packages, installed beside the project the first time. */
function installPeer(): void {
  if (existsSync(join(PEER_PACKAGES, 'cv2')) && existsSync(join(PEER_PACKAGES, 'onnxruntime'))) return;
  say('installing OpenCV and onnxruntime for the Python peer (about 20 s, once) ...');
  const requirements = join(ROOT, 'test/peers/requirements.txt');
  execFileSync('python3', ['-m', 'pip', 'install', '-q', '--target', PEER_PACKAGES, '-r', requirements], {
    env: childEnvironment(),
    stdio: 'inherit',
  });
}

/** Adds `goshawk bench ...`. */
export function registerBench(program: Command): void {
  const bench = program.command('bench').description('measure this machine with Goshawk on it');
  registerBenchHeadline(bench);
  const withCommonOptions = (command: Command): Command =>
    command
      .requiredOption('--report <file>', 'JSON report')
      .option('--bundle <name|path>', 'the model', 'goshawk-street')
      .option('--size <WxH>', 'camera image', '1280x720')
      .option('--score <0..1>', 'score threshold', '0.3')
      .option('--peer-threads <n>', 'ONNX Runtime threads of the Python peer', '2')
      .option(
        '--detector <name:=value>',
        'a parameter of the detector node (repeatable)',
        (value: string, list: string[]) => [...list, value],
        [] as string[],
      );

  withCommonOptions(bench.command('ros'))
    .description('camera, detector and an rclpy listener in three processes at one rate')
    .option('--rate <hz>', 'frames a second', '30')
    .option('--seconds <n>', 'measured time after 2 s of warm-up', '60')
    .action(async (flags: BenchFlags) => {
      await checkOutputFiles(flags.report);
      const options = {
        ...settings(flags, ''),
        rate: numberOf('rate', flags.rate),
        seconds: numberOf('seconds', flags.seconds),
      };
      const report = await benchRos(trialRunner(), options, describeHost(['cpu']), say);
      await writeReport(flags.report, report);
      say(`undeclared frames: ${report.undeclared}`);
    });

  withCommonOptions(bench.command('peers'))
    .description(
      'peak sustained rate and latency of Goshawk and of a plain rclpy + OpenCV + onnxruntime node, in turn',
    )
    .requiredOption(
      '--peer-model <file>',
      'the same model as the plain ONNX file that the Python node loads (YOLOX)',
    )
    .option('--seconds <n>', 'measured time of one trial', '5')
    .option('--rate <hz>', 'frames a second at which the latency of both is measured', '30')
    .option('--rounds <n>', 'how often both are measured, in turn', '5')
    .action(async (flags: BenchFlags) => {
      await checkOutputFiles(flags.report);
      const runner = trialRunner();
      const peerModelDigest = await sha256OfFile(flags.peerModel ?? '');
      installPeer();
      const options = {
        ...settings(flags, flags.peerModel ?? ''),
        seconds: numberOf('seconds', flags.seconds),
        rounds: numberOf('rounds', flags.rounds),
        fixedRate: numberOf('rate', flags.rate),
        missedLimit: 0.05,
        peerModelDigest,
        // Both have settled by then: a detector with defaults has found its setting for the load.
        warmupSeconds: 5,
      };
      const report = await benchPeers(runner, options, describeHost(['cpu']), say);
      await writeReport(flags.report, report);
      const { p50, p99, cpuMsPerFrame } = report.fixedRate.ratios;
      say(
        `goshawk / python peer, medians of ${report.peaks.length} rounds: peak ${report.ratio.toFixed(2)}x; ` +
          `at ${flags.rate}/s p50 ${p50.toFixed(2)}x, p99 ${p99.toFixed(2)}x, CPU a frame ${cpuMsPerFrame.toFixed(2)}x`,
      );
    });
}
