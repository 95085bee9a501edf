import { describeError } from '../../contract/errors.ts';
import type { ProviderName } from '../../contract/providers.ts';
import type { RunReport } from '../../contract/report.ts';
import type { SettingRequest } from '../../core/sizing/settings.ts';
import type { Bundle } from '../../model/bundle.ts';
import type { CameraSource } from '../../device/camera/source.ts';
import { createSizedEngine, type SizedEngineOptions } from '../../device/inference/sized-engine.ts';
import { composeRuntime, type PartValues } from '../../device/parts.ts';
import { EnvelopeMaker } from '../../device/pipeline/frame/envelope.ts';
import type { ResultSink } from '../../device/pipeline/frame/frame-result.ts';
import type { LimitsPatch } from '../../device/pipeline/limit-table.ts';
import { FramePipeline } from '../../device/pipeline/pipeline.ts';
import type { PipelineSnapshot } from '../../device/pipeline/statistics/snapshot.ts';
import { describeChoice } from '../../device/inference/describe-choice.ts';
import { describeSized } from '../../device/inference/describe-sized.ts';
import { ModelSwitch } from '../../device/runtime/model-switch.ts';
import { makeRunReport } from '../../device/runtime/run-report.ts';
import type { Runtime } from '../../device/runtime/runtime.ts';
import type { DeviceStatus } from '../../device/runtime/status.ts';
import { stillLoading, reportWhileWaiting } from '../../device/inference/report-while-waiting.ts';
import { endRun } from './end-run.ts';

export interface RunOptions {
  readonly bundle: Bundle;
  /** cameras by the name used in metrics and reports */
  readonly cameras: ReadonlyMap<string, CameraSource>;
  readonly engine: {
    readonly kind: 'worker' | 'child';
    readonly sizing: SettingRequest;
    readonly preferred: readonly ProviderName[];
    readonly strict: boolean;
    /** id of a variant; chosen by measurement if absent */
    readonly variant?: string;
  };
  readonly preprocess: 'auto' | 'sharp' | 'graph';
  readonly limits: LimitsPatch;
  readonly tracking: boolean;
  /** parameters of the parts next to the pipeline */
  readonly parts: PartValues;
  /** name of this run in telemetry */
  readonly node: string;
  /** time without a frame after which a camera counts as silent */
  readonly silentAfterMs: number;
  /** get every result, after the publisher */
  readonly sinks?: readonly ResultSink[];
  /** stops the run */
  readonly signal: AbortSignal;
  /** called once the model is loaded and cameras are started */
  readonly onActive: () => void;
  readonly log: (level: 'info' | 'warn' | 'error', line: string) => void;
  readonly onStatus: (status: DeviceStatus) => void;
}

const STATUS_MS = 1000;

/** A run has results even without subscribers: frames count as published once they reach this sink. */
const publisher: ResultSink = { name: 'publisher', deliver: () => undefined };

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(describeError(error));
}

/** Waits for the end: the signal, or the end of every camera. Rejects if a camera fails. */
async function untilEnd(options: RunOptions, pipeline: FramePipeline, runtime: Runtime): Promise<void> {
  const running = new Set(options.cameras.keys());
  await new Promise<void>((resolve, reject) => {
    if (options.signal.aborted) resolve();
    options.signal.addEventListener('abort', () => resolve(), { once: true });
    for (const [name, camera] of options.cameras) {
      const envelopes = new EnvelopeMaker(name);
      const onEnd = (error?: unknown): void => {
        running.delete(name);
        if (error !== undefined) reject(asError(error));
        else if (running.size === 0) resolve();
      };
      camera
        .start(
          ({ stamp, frameId, image, groundTruth }) => {
            if (groundTruth !== undefined) runtime.takeLabels({ camera: name, stamp, objects: groundTruth });
            pipeline.offer({ envelope: envelopes.next(stamp, frameId), image });
          },
          onEnd,
          {
            onUnreadable: (reason, detail) => pipeline.refuse(name, reason, detail),
            onNotice: (message) => options.log('info', `${name}: ${message}`),
          },
        )
        .catch(reject);
    }
  });
}

/** The pipeline's stats, with what each camera reports about its own images. */
function snapshotWithSources(pipeline: FramePipeline, sources: RunOptions['cameras']): PipelineSnapshot {
  const snapshot = pipeline.snapshot();
  const cameras = Object.entries(snapshot.cameras).map(([name, camera]) => {
    const source = sources.get(name)?.counters();
    return [name, source === undefined ? camera : { ...camera, source }] as const;
  });
  return { ...snapshot, cameras: Object.fromEntries(cameras) };
}

/**
 * The whole frame path without ROS: cameras inside the process, pipeline, page, metrics, telemetry.
 * @returns the report, once everything has drained
 * @throws GoshawkError for a bundle, provider, camera or port that cannot be used
 */
export async function runPipeline(options: RunOptions): Promise<RunReport> {
  const { bundle, engine, limits, log } = options;
  const startedAt = new Date();
  const names = [...options.cameras.keys()];
  const sized: SizedEngineOptions = {
    bundle,
    ...engine,
    inputs: options.preprocess === 'sharp' ? 'letterboxed' : 'both',
    log: (line) => log('warn', line),
  };
  const pipeline = new FramePipeline({
    engine: createSizedEngine(sized),
    manifest: bundle.manifest,
    cameras: names.map((name) => ({ name })),
    preprocess: options.preprocess,
    tracking: options.tracking,
    limits,
    sinks: [publisher, ...(options.sinks ?? [])],
    onNotice: ({ level, code, message }) => log(level, `${code}: ${message}`),
  });
  const models = new ModelSwitch({
    pipeline,
    engine: sized,
    limits: () => limits,
    log: (line) => log('info', line),
  });
  const runtime = composeRuntime(options.parts, {
    node: options.node,
    silentAfterMs: () => options.silentAfterMs,
    log,
    whenRefused: 'reject',
  });
  runtime.attach({
    pipeline,
    cameras: names,
    labels: bundle.manifest.labels,
    get bundle() {
      return models.running;
    },
    snapshot: () => snapshotWithSources(pipeline, options.cameras),
    swapModel: (reference) => models.to(reference),
  });
  await runtime.start(options.signal);
  const ticker = setInterval(() => {
    const status = runtime.status();
    if (status !== null) options.onStatus(status);
  }, STATUS_MS);
  try {
    const name = `${bundle.manifest.name}@${bundle.manifest.version}`;
    const info = await reportWhileWaiting(pipeline.start(), (seconds) =>
      log('info', stillLoading(name, seconds, engine.preferred)),
    );
    log('info', describeSized(info));
    for (const { level, text } of describeChoice(info)) log(level, text);
    for (const { provider, reason } of info.refusals) log('info', `${provider} is not used: ${reason}`);
    pipeline.activate();
    options.onActive();
    await untilEnd(options, pipeline, runtime);
  } finally {
    clearInterval(ticker);
    await endRun({ cameras: options.cameras.values(), pipeline, runtime });
  }
  return makeRunReport({ snapshot: snapshotWithSources(pipeline, options.cameras), bundle, startedAt });
}
