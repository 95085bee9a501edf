import { GoshawkError } from '../../contract/errors.ts';
import type { LoadCounts } from '../../core/sizing/load-watch.ts';
import { CameraIntake } from './camera-intake.ts';
import { ModelLane } from './model-lane.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import { sumCounts, type FrameCounts } from './statistics/ledger.ts';
import type { CameraSnapshot } from './statistics/snapshot.ts';

/** The lanes of one model, one per camera, and their totals. */
export class ModelLanes {
  readonly byCamera = new Map<string, ModelLane>();

  /** @throws GoshawkError `GOSHAWK_PARAMETER_INVALID` for a priority out of range */
  constructor({ cameras, stamps, preprocess, tracking, engine }: PipelineOptions) {
    for (const camera of cameras) {
      const intake = new CameraIntake(camera, stamps ?? { staleMs: 0, futureMs: 0 });
      const lane = new ModelLane(intake, {
        preprocess: preprocess ?? 'auto',
        reorderWindow: () => Math.max(2, engine.reorderWindow ?? engine.parallel),
        isTracking: tracking ?? false,
      });
      this.byCamera.set(camera.name, lane);
    }
  }

  /** @throws GoshawkError `GOSHAWK_INTERNAL` for a camera that was not registered */
  of(camera: string): ModelLane {
    const lane = this.byCamera.get(camera);
    if (lane === undefined)
      throw new GoshawkError('GOSHAWK_INTERNAL', { reason: `no camera "${camera}" is registered` });
    return lane;
  }

  /** The engine is loaded. */
  meetEngine(acceptsRaw: boolean): void {
    for (const lane of this.byCamera.values()) lane.meetEngine(acceptsRaw);
  }

  /** The ledgers of all cameras, added up. */
  counts(): FrameCounts {
    return sumCounts(Array.from(this.byCamera.values(), ({ camera }) => camera.ledger));
  }

  /** What an engine that sizes itself watches. */
  load(): LoadCounts {
    const load = { received: 0, superseded: 0, published: 0 };
    for (const { camera } of this.byCamera.values()) {
      load.received += camera.ledger.received;
      load.superseded += camera.ledger.dropped('superseded');
      load.published += camera.ledger.published;
    }
    return load;
  }

  snapshot(now: number): Record<string, CameraSnapshot> {
    const cameras: Record<string, CameraSnapshot> = {};
    for (const { camera, choice } of this.byCamera.values())
      cameras[camera.name] = { ...camera.snapshot(now), preprocess: choice.decision };
    return cameras;
  }
}
