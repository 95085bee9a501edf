import { parameterValues } from '../../src/cli/kit/parameter-options.ts';
import { composeRuntime, PART_PARAMETERS, PARTS, type PartValues } from '../../src/device/parts.ts';
import { FramePipeline } from '../../src/device/pipeline/pipeline.ts';
import { FakeEngine, MANIFEST } from '../device/pipeline/fakes.ts';

/** Values with which every part is created. */
export const EVERY_PART = Object.assign(
  parameterValues(PART_PARAMETERS, {}),
  ...PARTS.map(({ example }) => example),
) as PartValues;

/** What `/metrics` serves for a pipeline of one camera, with every part. */
export async function metricsText(): Promise<string> {
  const pipeline = new FramePipeline({
    engine: new FakeEngine(),
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
  });
  const runtime = composeRuntime(EVERY_PART, {
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
