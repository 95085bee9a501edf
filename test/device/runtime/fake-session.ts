import type { FrameResult, ResultSink } from '../../../src/device/pipeline/frame/frame-result.ts';
import type { LimitsPatch } from '../../../src/device/pipeline/limit-table.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import type { PipelineSession } from '../../../src/device/runtime/part.ts';
import { FakeEngine, MANIFEST } from '../pipeline/fakes.ts';

/** A session of one camera that was not started, and the sinks that it received. */
export function sessionOf() {
  const pipeline = new FramePipeline({
    engine: new FakeEngine(),
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
  });
  const sinks: ResultSink[] = [];
  return {
    pipeline: {
      engineInfo: null,
      snapshot: () => pipeline.snapshot(),
      overrideLimits: (patch: LimitsPatch) => pipeline.overrideLimits(patch),
      setLimits: (patch: LimitsPatch) => pipeline.setLimits(patch),
      tracking: false,
      get limits() {
        return pipeline.limits;
      },
      addSink: (sink) => void sinks.push(sink),
    },
    cameras: ['front'],
    labels: ['person'],
    snapshot: () => pipeline.snapshot(),
    swapModel: (_reference: string | null): Promise<void> => Promise.resolve(),
    sinks,
    deliver: (result: FrameResult) => sinks.forEach((sink) => void sink.deliver(result, null)),
  } satisfies PipelineSession & Record<string, unknown> & { pipeline: Record<string, unknown> };
}
