import { runReportSchema, type RunReport } from '../../contract/report.ts';
import type { Bundle } from '../../model/bundle.ts';
import { describeHost } from '../../platform/describe-host.ts';
import { listUsableProviders } from '../inference/providers.ts';
import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';

export interface RunFacts {
  readonly snapshot: PipelineSnapshot;
  /** the configured one; the report names the one that ran last */
  readonly bundle: Bundle;
  readonly startedAt: Date;
}

function engineOf(engine: PipelineSnapshot['engine']): RunReport['engine'] {
  if (engine === null) return null;
  const { kind, workers, threads, queueDepth, sizing, variant, provider, exactInt8, referenceCheck, choice } =
    engine;
  const copied = sizing === null ? null : { ...sizing, measured: [...sizing.measured] };
  const model = { variant, provider, exactInt8, referenceCheck, choice };
  return { kind, workers, threads, queueDepth, sizing: copied, ...model };
}

/** A pipeline's run as `goshawk.report.run/1`. Called after the pipeline has drained: nothing is in flight. */
export function makeRunReport({ snapshot, bundle, startedAt }: RunFacts): RunReport {
  const { frames, latencyMs, detections, activeSeconds, framesSeconds } = snapshot;
  const { name, version } = bundle.manifest;
  // a single frame shows that there was one, but no rate
  const seconds = framesSeconds > 0 ? framesSeconds : activeSeconds;
  const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
  return runReportSchema.parse({
    schema: 'goshawk.report.run/1',
    startedAt: startedAt.toISOString(),
    host: describeHost(listUsableProviders()),
    seconds: activeSeconds,
    framesSeconds,
    bundle: snapshot.engine?.bundle ?? { name, version, digest: bundle.digest },
    engine: engineOf(snapshot.engine),
    frames: { received: frames.received, published: frames.published, drops: frames.drops },
    ...sourcesOf(snapshot),
    fps: { in: perSecond(frames.received), out: perSecond(frames.published) },
    latencyMs: { total: latencyMs.total, stages: latencyMs.stages },
    detections,
  });
}

function sourcesOf({ cameras }: PipelineSnapshot): Pick<RunReport, 'sources'> {
  const sources = Object.fromEntries(
    Object.entries(cameras).flatMap(([name, { source }]) => (source === undefined ? [] : [[name, source]])),
  );
  return Object.keys(sources).length === 0 ? {} : { sources };
}
