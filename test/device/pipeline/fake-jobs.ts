import type { Frame } from '../../../src/core/frame.ts';
import { CameraIntake } from '../../../src/device/pipeline/camera-intake.ts';
import { FrameJob } from '../../../src/device/pipeline/frame/frame-job.ts';
import { FRAME_MOVES, type FrameState } from '../../../src/device/pipeline/frame/frame-state.ts';
import { ModelLane } from '../../../src/device/pipeline/model-lane.ts';
import { FakeClock, FrameMaker, MANIFEST, rawImage } from './fakes.ts';

const maker = new FrameMaker('front', new FakeClock());

/** A frame that waits at the gate of a camera with this priority. */
export function makeJob(priority = 1, frame: Frame = maker.next(rawImage('rgb8', 8, 6))): FrameJob {
  return new FrameJob(frame, { width: 8, height: 6 }, MANIFEST.input, priority, 'digest');
}

/** Moves a frame along the usual path to a state. */
export function lead(job: FrameJob, to: FrameState): FrameJob {
  while (job.state !== to) job.moveTo(FRAME_MOVES[job.state][0]!);
  return job;
}

/** A camera as one model looks at it. */
export function makeLane(name: string, priority = 1, reorderWindow = 2): ModelLane {
  const intake = new CameraIntake({ name, priority }, { staleMs: 0, futureMs: 0 });
  return new ModelLane(intake, {
    preprocess: 'sharp',
    acceptsRaw: false,
    graphFailure: null,
    reorderWindow: () => reorderWindow,
    isTracking: false,
    replaced: null,
    isAlike: false,
    onFrame: () => undefined,
  });
}
