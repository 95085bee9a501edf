import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  cameraStampsSchema,
  listenerReportSchema,
  type ListenerReport,
  type RosTrial,
} from '../../contract/bench.ts';
import { runReportSchema, type RunReport } from '../../contract/report.ts';
import { MeasuredChild } from './child.ts';
import { jitterMs, spreadOf } from './statistics.ts';

const TOPIC = '/bench/image_raw';
const RESULTS = '/bench/detections';
const READY_MS = 60_000;
/** seconds; stamps are written with six digits */
const STAMP_ERROR = 2e-6;
/** Time for frames that are still in flight when the camera stops. */
const SETTLE_MS = 1_500;

/** Locations of the programs of a trial. */
export interface TrialPlaces {
  /** entries of the nodes */
  readonly nodes: { readonly camera: string; readonly detector: string };
  /** folder of the Python programs, test/peers */
  readonly peers: string;
  readonly python: string;
  /** folder with the peer's packages in addition to rclpy */
  readonly peerPackages: string;
}

export interface TrialOptions {
  readonly who: 'goshawk' | 'python-peer';
  readonly rate: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly width: number;
  readonly height: number;
  readonly bundle: string;
  /** the ONNX file for the peer */
  readonly peerModel: string;
  readonly peerThreads: number;
  readonly score: number;
  /** parameters of the detector node, `name` to value as on a ROS command line */
  readonly detector: Readonly<Record<string, string>>;
  /** separates trials on one machine */
  readonly domain: number;
}

export interface TrialOutcome {
  readonly trial: RosTrial;
  readonly run: RunReport | null;
  /**
   * frames that the camera sent since the first one that came through; earlier ones left before DDS had
   * matched the two
   */
  readonly sentSinceFirst: number;
}

function rosArguments(parameters: Readonly<Record<string, string>>): string[] {
  return [
    '--ros-args',
    ...Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}:=${value}`]),
  ];
}

async function startDetector(
  places: TrialPlaces,
  options: TrialOptions,
  report: string,
  env: Record<string, string>,
  signal: AbortSignal,
) {
  if (options.who === 'python-peer') {
    return MeasuredChild.start({
      name: 'python peer',
      command: places.python,
      arguments: [
        join(places.peers, 'python_detector.py'),
        ...['--model', options.peerModel, '--threads', String(options.peerThreads)],
        ...['--image-topic', TOPIC, '--score', String(options.score)],
      ],
      env: { ...env, PYTHONPATH: `${process.env['PYTHONPATH'] ?? ''}:${places.peerPackages}` },
      readyText: 'ready',
      readyTimeoutMs: READY_MS,
      signal,
    });
  }
  return MeasuredChild.start({
    name: 'goshawk detector',
    command: process.execPath,
    arguments: [
      places.nodes.detector,
      ...rosArguments({
        image_topics: `["${TOPIC}"]`,
        bundle: options.bundle,
        autostart: 'true',
        score_threshold: String(options.score),
        report_file: report,
        ...options.detector,
      }),
    ],
    env,
    readyText: 'is active',
    readyTimeoutMs: READY_MS,
    signal,
  });
}

/**
 * Runs one trial: starts detector, listener, then camera, and stops them in reverse order.
 * @param signal stops all of them
 * @throws GoshawkError GOSHAWK_BENCH_PROCESS; the reason of the signal if that ended it
 */
export async function runRosTrial(
  places: TrialPlaces,
  options: TrialOptions,
  signal: AbortSignal,
): Promise<TrialOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-bench-'));
  const stampsFile = join(folder, 'stamps.json');
  const reportFile = join(folder, 'run.json');
  const listenerFile = join(folder, 'listener.json');
  const env = { ROS_DOMAIN_ID: String(options.domain) };
  const children: MeasuredChild[] = [];
  try {
    const detector = await startDetector(places, options, reportFile, env, signal);
    children.push(detector);
    const listener = await MeasuredChild.start({
      name: 'listener',
      command: places.python,
      arguments: [
        join(places.peers, 'detection_listener.py'),
        ...['--topic', RESULTS, '--report', listenerFile],
      ],
      env,
      readyText: 'listening',
      readyTimeoutMs: READY_MS,
      signal,
    });
    children.push(listener);
    const camera = await MeasuredChild.start({
      name: 'camera',
      command: process.execPath,
      arguments: [
        places.nodes.camera,
        ...rosArguments({
          source: 'sim',
          topic: TOPIC,
          rate: options.rate.toFixed(3),
          width: String(options.width),
          height: String(options.height),
          loop_frames: '30',
          stamps_file: stampsFile,
        }),
      ],
      env,
      readyText: 'publishing',
      readyTimeoutMs: READY_MS,
      signal,
    });
    children.push(camera);
    await wait(options.warmupSeconds * 1000, undefined, { signal });
    const warm = { samples: detector.rssSamples.length, cpuSeconds: detector.cpuSeconds };
    await wait(options.seconds * 1000, undefined, { signal });
    const cpuSeconds = detector.cpuSeconds - warm.cpuSeconds;
    const rss = detector.rssSamples.slice(warm.samples);
    await camera.stop();
    await wait(SETTLE_MS, undefined, { signal });
    await listener.stop();
    await detector.stop();
    const stamps = cameraStampsSchema.parse(JSON.parse(readFileSync(stampsFile, 'utf8')));
    const run =
      options.who === 'goshawk' ? runReportSchema.parse(JSON.parse(readFileSync(reportFile, 'utf8'))) : null;
    const heard = listenerReportSchema.parse(JSON.parse(readFileSync(listenerFile, 'utf8')));
    return {
      trial: summarize(options, stamps, heard, run, { rss, cpuSeconds }, { camera, detector, listener }),
      run,
      sentSinceFirst: stamps.filter((stamp) => stamp >= (heard.stamps[0] ?? Infinity) - STAMP_ERROR).length,
    };
  } catch (error) {
    // what failed because it was stopped, such as a report that is not there
    signal.throwIfAborted();
    throw error;
  } finally {
    for (const child of children.reverse()) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Medians of the first and the last tenth of the measured time, and the growth from the first to the second.
 */
function rssStats(samples: readonly number[]): { first: number; last: number; growthRatio: number } {
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const median = (values: readonly number[]): number => spreadOf(values).p50;
  const first = median(samples.slice(0, tenth));
  const last = median(samples.slice(-tenth));
  return { first, last, growthRatio: first > 0 ? last / first - 1 : 0 };
}

function summarize(
  options: TrialOptions,
  stamps: readonly number[],
  heard: ListenerReport,
  run: RunReport | null,
  measured: { readonly rss: readonly number[]; readonly cpuSeconds: number },
  processes: { camera: MeasuredChild; detector: MeasuredChild; listener: MeasuredChild },
): RosTrial {
  const begin = (stamps[0] ?? 0) + options.warmupSeconds;
  const sent = stamps.filter((stamp) => stamp >= begin).length;
  const kept = heard.stamps
    .map((stamp, index) => (stamp >= begin - STAMP_ERROR ? index : -1))
    .filter((index) => index >= 0);
  const pick = (values: readonly number[]): number[] => kept.map((index) => values[index] ?? 0);
  const arrivals = pick(heard.arrivals);
  const duration = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0);
  return {
    who: options.who,
    rate: options.rate,
    seconds: options.seconds,
    sent,
    received: kept.length,
    missedRatio: sent === 0 ? 1 : Math.max(0, 1 - kept.length / sent),
    fps: duration > 0 ? (arrivals.length - 1) / duration : 0,
    latencyMs: spreadOf(pick(heard.latencyMs)),
    jitterMs: spreadOf(jitterMs(arrivals)),
    rssBytes: { ...rssStats(measured.rss), peak: Math.max(0, ...processes.detector.rssSamples) },
    cpuSeconds: {
      camera: processes.camera.cpuSeconds,
      detector: processes.detector.cpuSeconds,
      listener: processes.listener.cpuSeconds,
    },
    cpuMsPerFrame: kept.length === 0 ? 0 : (measured.cpuSeconds * 1000) / kept.length,
    frames: run?.frames ?? null,
  };
}
