import { describe, expect, it } from 'vitest';
import { peersBenchReportSchema, rosBenchReportSchema, type RosTrial } from '../../../src/contract/bench.ts';
import type { BundleRef, LatencySummary, RunReport } from '../../../src/contract/report.ts';
import { describeHost } from '../../../src/platform/describe-host.ts';
import { benchPeers, benchRos, ratiosOf, type TrialRunner } from '../../../src/tools/bench/bench-ros.ts';
import type { TrialOptions } from '../../../src/tools/bench/ros-trial.ts';

const stats = (p50: number, p99: number, cpuMsPerFrame: number) => ({ p50, p99, cpuMsPerFrame });

it('computes ratios round by round and reports their medians', () => {
  const rounds = [
    { goshawk: stats(10, 20, 30), pythonPeer: stats(20, 80, 60) },
    // an hour in which everything is slow
    { goshawk: stats(40, 90, 31), pythonPeer: stats(50, 100, 62) },
    { goshawk: stats(12, 30, 33), pythonPeer: stats(20, 100, 60) },
  ];
  expect(ratiosOf(rounds)).toEqual(stats(0.6, 0.3, 0.5));
  expect(ratiosOf([{ goshawk: stats(10, 20, 30), pythonPeer: stats(0, 0, 0) }])).toEqual(stats(0, 0, 0));
});

const LATENCY: LatencySummary = { count: 150, p50: 12, p90: 14, p99: 20, p999: 22, max: 23 };
const FRAMES = { received: 150, published: 150, drops: {} };
const BUNDLE: BundleRef = { name: 'street', version: '1.2.3', digest: 'a'.repeat(64) };

const OPTIONS = {
  bundle: '/models/street',
  width: 640,
  height: 360,
  detector: {},
  warmupSeconds: 0,
  peerModel: 'street.onnx',
  peerThreads: 2,
  score: 0.3,
  domain: 40,
  seconds: 5,
};

const trialOf = ({ who, rate, seconds }: TrialOptions): RosTrial => ({
  who,
  rate,
  seconds,
  sent: 150,
  received: 150,
  missedRatio: 0,
  fps: rate,
  latencyMs: LATENCY,
  jitterMs: LATENCY,
  rssBytes: { first: 1, last: 1, growthRatio: 0, peak: 1 },
  cpuSeconds: { camera: 1, detector: 1, listener: 1 },
  cpuMsPerFrame: 5,
  frames: who === 'goshawk' ? FRAMES : null,
});

const runOf = (bundle: BundleRef): RunReport => ({
  schema: 'goshawk.report.run/1',
  startedAt: new Date(0).toISOString(),
  host: describeHost(['cpu']),
  seconds: 5,
  bundle,
  frames: FRAMES,
  fps: { in: 30, out: 30 },
  latencyMs: { total: LATENCY, stages: {} },
  detections: 10,
});

/** Trials whose detector reports these bundles, one after the other, the last of them forever. */
function trialsOf(...bundles: [BundleRef, ...BundleRef[]]): TrialRunner {
  const left = [...bundles];
  return (options) => {
    const run = options.who === 'goshawk' ? runOf(left.length > 1 ? left.shift()! : left[0]!) : null;
    return Promise.resolve({ trial: trialOf(options), run, sentSinceFirst: 150 });
  };
}

const silent = (): void => undefined;

describe('a report of a benchmark', () => {
  const peers = { ...OPTIONS, rounds: 1, missedLimit: 0.05, fixedRate: 30, peerModelDigest: 'b'.repeat(64) };

  it('names the bundle that the detector ran, not only the requested one', async () => {
    const ros = await benchRos(trialsOf(BUNDLE), { ...OPTIONS, rate: 30 }, describeHost(['cpu']), silent);
    expect(rosBenchReportSchema.parse(ros).bundle).toEqual(BUNDLE);
    const report = await benchPeers(trialsOf(BUNDLE), peers, describeHost(['cpu']), silent);
    expect(peersBenchReportSchema.parse(report)).toMatchObject({
      bundle: BUNDLE,
      peerModelDigest: 'b'.repeat(64),
    });
  });

  it('is refused for two bundles', async () => {
    const other = { ...BUNDLE, digest: 'c'.repeat(64) };
    await expect(
      benchPeers(trialsOf(BUNDLE, other), peers, describeHost(['cpu']), silent),
    ).rejects.toMatchObject({ code: 'GOSHAWK_BENCH_PROCESS' });
  });
});
