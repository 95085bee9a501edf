import { parameterValues } from '../../src/cli/kit/parameter-options.ts';
import { composeRuntime, PART_PARAMETERS } from '../../src/device/parts.ts';
import { FramePipeline } from '../../src/device/pipeline/pipeline.ts';
import { ANY_FREE_PORT } from '../../src/device/web/web-part.ts';
import { FakeEngine, MANIFEST } from '../device/pipeline/fakes.ts';

/** What `/metrics` serves for a pipeline of one camera. */
export async function metricsText(): Promise<string> {
  const pipeline = new FramePipeline({
    engine: new FakeEngine(),
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
  });
  const values = { ...parameterValues(PART_PARAMETERS, {}), http_port: ANY_FREE_PORT };
  const runtime = composeRuntime(values, {
    node: 'detector',
    silentAfterMs: () => 5000,
    log: () => undefined,
    whenRefused: 'reject',
  });
  runtime.attach({ pipeline, cameras: ['front'], labels: [], snapshot: () => pipeline.snapshot() });
  await runtime.start(new AbortController().signal);
  try {
    return await runtime.metrics();
  } finally {
    await runtime.stop();
  }
}
