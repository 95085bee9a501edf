import type { CameraSource } from '../../device/camera/source.ts';
import type { FramePipeline } from '../../device/pipeline/pipeline.ts';
import type { Runtime } from '../../device/runtime/runtime.ts';

/** What a run consists of. */
export interface RunningRun {
  readonly cameras: Iterable<Pick<CameraSource, 'stop'>>;
  readonly pipeline: Pick<FramePipeline, 'deactivate' | 'close'>;
  readonly runtime: Pick<Runtime, 'stop'>;
}

/**
 * Ends a run. Parts stop once the last frame has left, so that their last windows have it, and before the model goes,
 * so that none of them asks a closed pipeline for anything. Every step is taken, whatever became of those before it.
 * @throws the first error of a step
 */
export async function endRun({ cameras, pipeline, runtime }: RunningRun): Promise<void> {
  const steps = [
    () => Promise.all(Array.from(cameras, (camera) => camera.stop())),
    () => pipeline.deactivate(),
    () => runtime.stop(),
    () => pipeline.close(),
  ];
  const errors: unknown[] = [];
  for (const step of steps) await step().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}
