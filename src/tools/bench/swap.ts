import { setTimeout as sleep } from 'node:timers/promises';
import { swapBenchReportSchema, type SwapBenchReport } from '../../contract/bench.ts';
import type { BundleRef } from '../../contract/report.ts';
import { createSizedEngine, type SizedEngineOptions } from '../../device/inference/sized-engine.ts';
import { EnvelopeMaker } from '../../device/pipeline/frame/envelope.ts';
import { FramePipeline } from '../../device/pipeline/pipeline.ts';
import { ModelSwitch } from '../../device/runtime/model-switch.ts';
import type { Bundle } from '../../model/bundle.ts';
import { describeHost } from '../../platform/describe-host.ts';
import { drawScenes } from './scenes.ts';
import { spreadOf } from './statistics.ts';

const CAMERA = 'camera';

export interface SwapBenchOptions {
  readonly bundle: Bundle;
  /** name or path; its labels are those of `bundle` */
  readonly fallback: string;
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  readonly threads: number;
  /** even: it ends with the model that it began with */
  readonly swaps: number;
  /** milliseconds without a swap before each one */
  readonly quietMs: number;
  readonly signal: AbortSignal;
}

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
export async function benchSwap(options: SwapBenchOptions): Promise<SwapBenchReport> {
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
    const { fallback, spans } = found;
    return reportOf({ options, startedAt, provider, bundle, fallback, spans, results, pipeline });
  } finally {
    ending.abort();
    await pipeline.close();
  }
}

function engineOptions({ bundle, threads }: SwapBenchOptions): SizedEngineOptions {
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

/** Offers frames at the rate until the signal; one that is late is not made up for. */
async function feed(pipeline: FramePipeline, options: SwapBenchOptions, signal: AbortSignal): Promise<void> {
  const { width, height, rate } = options;
  const scenes = drawScenes(width, height);
  const envelopes = new EnvelopeMaker(CAMERA);
  const startMs = performance.now();
  for (let i = 0; !signal.aborted; i += 1) {
    const waitMs = startMs + (i * 1000) / rate - performance.now();
    // without a wait the event loop would starve
    await sleep(Math.max(0, waitMs), undefined, { signal }).catch(() => undefined);
    const data = new Uint8Array(scenes[i % scenes.length]!);
    const now = Date.now();
    const stamp = { sec: Math.floor(now / 1000), nanosec: (now % 1000) * 1e6 };
    const image = { width, height, encoding: 'rgb8', step: 3 * width, data } as const;
    if (!signal.aborted) pipeline.offer({ envelope: envelopes.next(stamp, CAMERA), image });
  }
}

/** There and back again. */
async function swapAgain(
  pipeline: FramePipeline,
  models: ModelSwitch,
  { fallback: reference, swaps, quietMs, signal }: SwapBenchOptions,
): Promise<{ readonly fallback: BundleRef; readonly spans: readonly Span[] }> {
  const spans: Span[] = [];
  let fallback: BundleRef | null = null;
  for (let i = 0; i < swaps; i += 1) {
    await sleep(quietMs, undefined, { signal });
    const fromMs = performance.now();
    await models.to(i % 2 === 0 ? reference : null);
    spans.push({ fromMs, toMs: performance.now() });
    fallback ??= pipeline.engineInfo?.bundle ?? null;
  }
  await sleep(quietMs, undefined, { signal });
  if (fallback === null) throw new TypeError('no swap was asked for');
  return { fallback, spans };
}

interface Measured {
  readonly options: SwapBenchOptions;
  readonly startedAt: string;
  readonly provider: string;
  readonly bundle: BundleRef;
  readonly fallback: BundleRef;
  readonly spans: readonly Span[];
  readonly results: readonly Result[];
  readonly pipeline: FramePipeline;
}

function reportOf(measured: Measured): SwapBenchReport {
  const { options, startedAt, provider, bundle, fallback, spans, results, pipeline } = measured;
  const { width, height, rate, threads, swaps } = options;
  const isDuring = (one: Span): boolean =>
    spans.some(({ fromMs, toMs }) => one.fromMs <= toMs && one.toMs >= fromMs);
  const msOf = (some: readonly Span[]): ReturnType<typeof spreadOf> =>
    spreadOf(some.map(({ fromMs, toMs }) => toMs - fromMs));
  const during = msOf(results.filter(isDuring));
  const otherwise = msOf(results.filter((one) => !isDuring(one)));
  const { received, published, drops } = pipeline.counts();
  return swapBenchReportSchema.parse({
    schema: 'goshawk.report.bench-swap/1',
    startedAt,
    host: describeHost([provider]),
    bundle,
    fallback,
    width,
    height,
    rate,
    threads,
    swaps,
    swapMs: msOf(spans),
    frames: { received, published, drops },
    outOfOrder: results.filter(({ sequence }, i) => sequence < (results[i - 1]?.sequence ?? 0)).length,
    totalMs: { during, otherwise },
    p99Ratio: otherwise.p99 === 0 ? 0 : during.p99 / otherwise.p99,
  } satisfies SwapBenchReport);
}
