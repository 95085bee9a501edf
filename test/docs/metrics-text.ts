import { parameterValues } from '../../src/cli/kit/parameter-options.ts';
import { composeRuntime, PART_PARAMETERS, PARTS, type PartValues } from '../../src/device/parts.ts';
import { FramePipeline } from '../../src/device/pipeline/pipeline.ts';
import { FleetMetrics } from '../../src/fleet/metrics/fleet-metrics.ts';
import { FakeEngine, MANIFEST } from '../device/pipeline/fakes.ts';
import { idleFleet } from '../fleet/support/idle-fleet.ts';

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
  const swapModel = (): Promise<void> => Promise.resolve();
  runtime.attach({
    pipeline,
    cameras: ['front'],
    labels: [],
    snapshot: () => pipeline.snapshot(),
    swapModel,
  });
  await runtime.start(new AbortController().signal);
  try {
    return await runtime.metrics();
  } finally {
    await runtime.stop();
  }
}

/** What `/metrics` of `goshawk fleet serve` has. */
export function fleetMetricsText(): Promise<string> {
  const idle = idleFleet();
  return new FleetMetrics(() => idle).text();
}
