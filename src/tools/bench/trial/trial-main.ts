import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OutboxWaiting } from '../../../contract/bench-trial.ts';
import { openBundle } from '../../../device/authoring/open-bundle.ts';
import { openCamera } from '../../../device/camera/open-camera.ts';
import {
  coresBetween,
  NO_TIMES,
  readThreadTimes,
  type ThreadTimes,
} from '../../../device/host/thread-reader.ts';
import type { ResultSink } from '../../../device/pipeline/frame/frame-result.ts';
import { LatencyRecorder } from '../../../device/pipeline/statistics/stage-latencies.ts';
import type { DeviceStatus } from '../../../device/runtime/status.ts';
import { onEndSignal } from '../../../platform/end-signals.ts';
import { runPipeline } from '../../run/run.ts';
import { SETTLED, trialRequestSchema, type TrialAnswer } from './trial-message.ts';
import { waitingIn } from './waiting.ts';

/** A trial on a machine that is busy with others goes on until it has as many: percentiles of fewer say nothing. */
const MIN_FRAMES = 10;
/** But no longer than this beyond its time. */
const MAX_MORE_MS = 60_000;
const LOOK_MS = 100;

/** The process of a trial: what `goshawk run` does, with latencies of the time after it has settled. */
const { bundle, rate, width, height, settleSeconds, seconds, answer, parts } = trialRequestSchema.parse(
  JSON.parse(process.argv[2] ?? ''),
);
const end = new AbortController();
onEndSignal(() => end.abort());
const latencies = new LatencyRecorder();
let isSettled = false;
let cores: Record<string, number> = {};
let before = NO_TIMES;
let telemetry: DeviceStatus['telemetry'] = null;
let beginning: OutboxWaiting | null = null;
let ending: OutboxWaiting | null = null;
const sink: ResultSink = {
  name: 'bench',
  deliver: ({ totalMs }) => {
    if (isSettled) latencies.record(totalMs);
  },
};

/** An outbox in which much waits takes a moment to open: that is at the beginning, and not what is measured. */
function begin(lateMs = 0): void {
  if (parts.telemetry !== '' && waitingIn(telemetry) === null && lateMs < MAX_MORE_MS) {
    setTimeout(begin, LOOK_MS, lateMs + LOOK_MS);
    return;
  }
  isSettled = true;
  before = threadTimes();
  beginning = waitingIn(telemetry);
  process.stdout.write(`${SETTLED}\n`);
  setTimeout(finish, seconds * 1_000);
}

/** Threads are gone once the pipeline has ended. */
function finish(lateMs = 0): void {
  const isEnough = latencies.summary().count >= Math.min(MIN_FRAMES, rate * seconds);
  if (!isEnough && lateMs < MAX_MORE_MS) {
    setTimeout(finish, LOOK_MS, lateMs + LOOK_MS);
    return;
  }
  cores = coresBetween(before, threadTimes());
  ending = waitingIn(telemetry);
  end.abort();
}

function threadTimes(): ThreadTimes {
  return readThreadTimes(readdirSync('/proc/self/task'), readIfThere, performance.now());
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(join('/proc/self', file), 'utf8');
  } catch {
    return undefined;
  }
}

const run = await runPipeline({
  bundle: await openBundle(bundle, () => undefined),
  cameras: new Map([['camera', openCamera('sim:loop=30', { rate, width, height })]]),
  // fixed: a measured setting would differ from trial to trial
  engine: {
    kind: 'worker',
    sizing: { workers: 1, threads: 1, queueDepth: 1 },
    preferred: ['cpu'],
    strict: false,
  },
  preprocess: 'graph',
  limits: {},
  tracking: false,
  parts,
  node: 'bench',
  silentAfterMs: 60_000,
  sinks: [sink],
  signal: end.signal,
  onActive: () => void setTimeout(begin, settleSeconds * 1_000),
  log: (_level, line) => void process.stdout.write(`${line}\n`),
  onStatus: (status) => (telemetry = status.telemetry),
});
const measured: TrialAnswer = {
  ...{ run, latencyMs: latencies.summary(), cores },
  outbox: { begin: beginning, end: ending },
};
writeFileSync(answer, JSON.stringify(measured));
