import type { Frame } from '../../../src/core/frame.ts';
import { CameraLane } from '../../../src/device/pipeline/camera-lane.ts';
import { FrameJob } from '../../../src/device/pipeline/frame-job.ts';
import { FakeClock, FrameMaker, MANIFEST, rawImage } from './fakes.ts';

const maker = new FrameMaker('front', new FakeClock());

/** A frame in hand, of a camera with this priority. */
export function makeJob(priority = 1, frame: Frame = maker.next(rawImage('rgb8', 8, 6))): FrameJob {
  return new FrameJob(frame, { width: 8, height: 6 }, MANIFEST.input, priority, 'digest');
}

/** A camera as the pipeline keeps it. */
export function makeLane(name: string, priority = 1, reorderWindow = 2): CameraLane {
  return new CameraLane(
    { name, priority },
    {
      stamps: { staleMs: 0, futureMs: 0 },
      preprocess: 'sharp',
      reorderWindow: () => reorderWindow,
      isTracking: false,
    },
  );
}
