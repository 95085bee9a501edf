import { setTimeout as sleep } from 'node:timers/promises';
import { swapBenchReportSchema, type SwapBenchReport } from '../../contract/bench.ts';
import type { BundleRef } from '../../contract/report.ts';
import { createSizedEngine, type SizedEngineOptions } from '../../device/inference/sized-engine.ts';
import type { Frame } from '../../core/frame.ts';
import { EnvelopeMaker } from '../../device/pipeline/frame/envelope.ts';
import { FramePipeline } from '../../device/pipeline/pipeline.ts';
import type { FrameCounts } from '../../device/pipeline/statistics/ledger.ts';
import { ModelSwitch } from '../../device/runtime/model-switch.ts';
import { openBundle } from '../../device/authoring/open-bundle.ts';
import type { Bundle } from '../../model/bundle.ts';
import { describeHost } from '../../platform/describe-host.ts';
import { drawScenes } from './scenes.ts';
import { spreadOf } from './statistics.ts';

const CAMERA = 'camera';

/** Milliseconds in which a model runs as fast as it can, and those in which its rate is measured. */
const WARM_MS = 500;
const CAPACITY_MS = 2000;
/** Frames in flight that keep it busy. */
const FULL = 2;

export interface SwapBenchOptions {
  readonly bundle: Bundle;
  /** name or path; its labels are those of `bundle` */
  readonly fallback: string;
  readonly width: number;
  readonly height: number;
  /** frames per second, unless there is a load */
  readonly rate: number;
  /** percent of the highest rate of the slower model; null: the rate is given */
  readonly load: number | null;
  readonly threads: number;
  /** even: it ends with the model that it began with */
  readonly swaps: number;
  /** milliseconds without a swap before each one */
  readonly quietMs: number;
  readonly signal: AbortSignal;
}

/** Milliseconds after a swap in which a frame is still dropped because of it. */
const TAIL_MS = 150;

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Result extends Span {
  readonly sequence: number;
}

/**
 * Runs frames at a fixed rate through one pipeline that changes between two models again and again, so that frames
 * during swaps and all others meet whatever else the machine does alike.
 * @throws GoshawkError of a bundle or engine, or GOSHAWK_INTERRUPTED
 */
export async function benchSwap(asked: SwapBenchOptions): Promise<SwapBenchReport> {
  const options = { ...asked, rate: await rateFor(asked) };
  const startedAt = new Date().toISOString();
  const results: Result[] = [];
  const engine = engineOptions(options);
  const pipeline = makePipeline(engine, results);
  const models = new ModelSwitch({ pipeline, engine, limits: () => ({}), log: () => undefined });
  const ending = new AbortController();
  try {
    const { provider, bundle } = await pipeline.start();
    pipeline.activate();
    const feeding = feed(pipeline, options, AbortSignal.any([options.signal, ending.signal]));
    const found = await swapAgain(pipeline, models, options);
    ending.abort();
    await feeding;
    await pipeline.deactivate();
    return reportOf({ options, startedAt, provider, bundle, ...found, results, pipeline });
  } finally {
    ending.abort();
    await pipeline.close();
  }
}

/** The rate that was given, or the one that is the load of the slower model. */
async function rateFor(options: SwapBenchOptions): Promise<number> {
  const { load, bundle, fallback, rate } = options;
  if (load === null) return rate;
  const other = await openBundle(fallback, () => undefined);
  const first = await highestRate(options, bundle);
  return (load / 100) * Math.min(first, await highestRate(options, other));
}

function engineOptions({
  bundle,
  threads,
}: Pick<SwapBenchOptions, 'bundle' | 'threads'>): SizedEngineOptions {
  const sizing = { workers: 1, threads, queueDepth: 1 };
  return { bundle, sizing, log: () => undefined };
}

function makePipeline(engine: SizedEngineOptions, results: Result[]): FramePipeline {
  return new FramePipeline({
    engine: createSizedEngine(engine),
    manifest: engine.bundle.manifest,
    cameras: [{ name: CAMERA }],
    sinks: [
      {
        name: 'publisher',
        deliver: ({ envelope: { sequence, receivedAt: fromMs }, totalMs }) =>
          void results.push({ sequence, fromMs, toMs: fromMs + totalMs }),
      },
    ],
  });
}

/** Frames per second that a model publishes while there is always one more. */
async function highestRate(options: SwapBenchOptions, bundle: Bundle): Promise<number> {
  const results: Result[] = [];
  const { threads, signal } = options;
  const pipeline = makePipeline(engineOptions({ bundle, threads }), results);
  const makeFrame = frameMaker(options);
  try {
    await pipeline.start();
    pipeline.activate();
    const endsMs = performance.now() + WARM_MS + CAPACITY_MS;
    while (performance.now() < endsMs) {
      signal.throwIfAborted();
      if (pipeline.framesInFlight < FULL) pipeline.offer(makeFrame());
      // one frame always waits, so the model has work meanwhile
      await sleep(1);
    }
    const last = results.filter(({ toMs }) => toMs >= endsMs - CAPACITY_MS && toMs < endsMs);
    return (last.length * 1000) / CAPACITY_MS;
  } finally {
    await pipeline.close();
  }
}

/** Makes the frames of the camera, in turn. */
function frameMaker({ width, height }: SwapBenchOptions): () => Frame {
  const scenes = drawScenes(width, height);
  const envelopes = new EnvelopeMaker(CAMERA);
  let made = 0;
  return () => {
    const data = new Uint8Array(scenes[made++ % scenes.length]!);
    const now = Date.now();
    const stamp = { sec: Math.floor(now / 1000), nanosec: (now % 1000) * 1e6 };
    const image = { width, height, encoding: 'rgb8', step: 3 * width, data } as const;
    return { envelope: envelopes.next(stamp, CAMERA), image };
  };
}

/** Offers frames at the rate until the signal; one that is late is not made up for. */
async function feed(pipeline: FramePipeline, options: SwapBenchOptions, signal: AbortSignal): Promise<void> {
  const { rate } = options;
  const makeFrame = frameMaker(options);
  const startMs = performance.now();
  for (let i = 0; !signal.aborted; i += 1) {
    const waitMs = startMs + (i * 1000) / rate - performance.now();
    // without a wait the event loop would starve
    await sleep(Math.max(0, waitMs), undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) pipeline.offer(makeFrame());
  }
}

interface Swapped {
  readonly fallback: BundleRef;
  readonly spans: readonly Span[];
  /** until shortly after each swap */
  readonly received: number;
  readonly dropped: number;
}

/** There and back again. */
async function swapAgain(
  pipeline: FramePipeline,
  models: ModelSwitch,
  { fallback: reference, swaps, quietMs, signal }: SwapBenchOptions,
): Promise<Swapped> {
  const spans: Span[] = [];
  let fallback: BundleRef | null = null;
  let [received, dropped] = [0, 0];
  for (let i = 0; i < swaps; i += 1) {
    await sleep(quietMs, undefined, { signal });
    const before = pipeline.counts();
    const fromMs = performance.now();
    await models.to(i % 2 === 0 ? reference : null);
    spans.push({ fromMs, toMs: performance.now() });
    fallback ??= pipeline.engineInfo?.bundle ?? null;
    await sleep(TAIL_MS, undefined, { signal });
    const after = pipeline.counts();
    received += after.received - before.received;
    dropped += dropsIn(after) - dropsIn(before);
  }
  await sleep(quietMs, undefined, { signal });
  if (fallback === null) throw new TypeError('no swap was asked for');
  return { fallback, spans, received, dropped };
}

const dropsIn = ({ drops }: FrameCounts): number =>
  Object.values(drops).reduce((sum, count) => sum + count, 0);

interface Measured extends Swapped {
  readonly options: SwapBenchOptions;
  readonly startedAt: string;
  readonly provider: string;
  readonly bundle: BundleRef;
  readonly results: readonly Result[];
  readonly pipeline: FramePipeline;
}

function reportOf(measured: Measured): SwapBenchReport {
  const { options, startedAt, provider, bundle, fallback, spans, results, pipeline } = measured;
  const { width, height, rate, load, threads, swaps } = options;
  const isDuring = (one: Span): boolean =>
    spans.some(({ fromMs, toMs }) => one.fromMs <= toMs && one.toMs >= fromMs);
  const msOf = (some: readonly Span[]): ReturnType<typeof spreadOf> =>
    spreadOf(some.map(({ fromMs, toMs }) => toMs - fromMs));
  const during = msOf(results.filter(isDuring));
  const otherwise = msOf(results.filter((one) => !isDuring(one)));
  const counts = pipeline.counts();
  const { received, published, drops } = counts;
  const other = { received: received - measured.received, dropped: dropsIn(counts) - measured.dropped };
  return swapBenchReportSchema.parse({
    schema: 'goshawk.report.bench-swap/1',
    startedAt,
    host: describeHost([provider]),
    bundle,
    fallback,
    width,
    height,
    rate,
    load,
    threads,
    swaps,
    swapMs: msOf(spans),
    frames: { received, published, drops },
    received: { during: measured.received, otherwise: other.received },
    dropped: { during: measured.dropped, otherwise: other.dropped },
    outOfOrder: results.filter(({ sequence }, i) => sequence < (results[i - 1]?.sequence ?? 0)).length,
    totalMs: { during, otherwise },
    p99Ratio: otherwise.p99 === 0 ? 0 : during.p99 / otherwise.p99,
  } satisfies SwapBenchReport);
}
