import { PipelineMetrics } from '../../src/device/metrics/pipeline-metrics.ts';
import { FramePipeline } from '../../src/device/pipeline/pipeline.ts';
import { FakeEngine, MANIFEST } from '../device/pipeline/fakes.ts';

/** What `/metrics` serves for a pipeline of one camera. */
export function metricsText(): Promise<string> {
  const pipeline = new FramePipeline({
    engine: new FakeEngine(),
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
  });
  return new PipelineMetrics(pipeline, () => ({})).text();
}
