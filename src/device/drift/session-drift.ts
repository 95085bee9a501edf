import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { mergeCameras, type CameraDrift } from '../../core/drift/camera-drift.ts';
import { FEATURE_TABLE_VERSION } from '../../core/drift/features.ts';
import type { FrameResult } from '../pipeline/frame/frame-result.ts';
import type { PipelineSession } from '../runtime/part.ts';
import { bundleReference } from '../telemetry/state-body.ts';
import { LATENESS_MS } from '../telemetry/window-clock.ts';
import { CameraWatch } from './camera-watch.ts';

type DriftBody = StreamBody<'drift'>;

export interface WindowTime {
  readonly nowMs: number;
  /** by how much the clock was set since the last look; 0 if it was not */
  readonly stepMs: number;
}

/**
 * The drift windows of one model. They end at multiples of their length, so that those of all robots cover the same
 * times; the first and the last one are shorter.
 */
export class SessionDrift {
  readonly #session: Pick<PipelineSession, 'cameras' | 'labels' | 'snapshot'>;
  readonly #lengthMs: number;
  readonly #cameras: ReadonlyMap<string, CameraWatch>;
  /** that made the frames; null before the first */
  #bundle: DriftBody['bundle'] = null;
  #startMs: number;
  #endMs: number;
  /** by how much the clock was set just before the start */
  #stepMs: number;

  constructor(
    session: Pick<PipelineSession, 'cameras' | 'labels' | 'snapshot'>,
    lengthMs: number,
    { nowMs, stepMs }: WindowTime,
  ) {
    // A clock that was set while nothing was measured: the first window begins after the step.
    this.#startMs = nowMs + stepMs;
    this.#session = session;
    this.#lengthMs = lengthMs;
    this.#cameras = new Map(session.cameras.map((camera) => [camera, new CameraWatch()]));
    this.#endMs = this.#endAfter(this.#startMs);
    this.#stepMs = stepMs;
  }

  /** Whether the open window is over: `look` ends it. */
  isDue(nowMs: number): boolean {
    return this.#endMs <= nowMs - LATENESS_MS;
  }

  /** The open window must not be over. */
  deliver(result: FrameResult, nowMs: number): void {
    this.#bundle ??= bundleReference(this.#session.snapshot());
    const span = { startMs: this.#startMs, lengthMs: this.#lengthMs };
    this.#cameras.get(result.envelope.camera)?.deliver(result, span, nowMs);
  }

  /** The windows that are over: two if the device slept through the end of more than one. */
  look({ nowMs, stepMs }: WindowTime): DriftBody[] {
    // Once the clock was set, stamps can no longer be compared with those of this window.
    if (stepMs !== 0) return this.#step(nowMs, stepMs);
    const dueMs = this.#startOf(nowMs - LATENESS_MS);
    const bodies: DriftBody[] = [];
    while (this.#endMs <= dueMs) {
      bodies.push(this.#close(this.#endMs, this.#closeCameras(this.#endMs - this.#startMs)));
      this.#endMs = Math.max(this.#startMs + this.#lengthMs, dueMs);
    }
    return bodies;
  }

  /** The last window: nothing more comes. */
  end({ nowMs }: WindowTime): DriftBody {
    return this.#close(Math.max(this.#startMs, nowMs), this.#closeCameras(Infinity));
  }

  #step(nowMs: number, stepMs: number): DriftBody[] {
    const body = this.#close(Math.max(this.#startMs, nowMs), this.#closeCameras(Infinity));
    this.#startMs += stepMs;
    this.#endMs = this.#endAfter(this.#startMs);
    this.#stepMs = stepMs;
    return [body];
  }

  #close(endMs: number, cameras: CameraDrift[]): DriftBody {
    const step = this.#stepMs === 0 ? {} : { clockStepSeconds: this.#stepMs / 1000 };
    const window = { start: iso(this.#startMs), end: iso(endMs), ...step };
    this.#startMs = endMs;
    this.#stepMs = 0;
    // another one may have taken over meanwhile
    const bundle = this.#bundle ?? bundleReference(this.#session.snapshot());
    return { window, bundle, table: FEATURE_TABLE_VERSION, cameras };
  }

  /** @param lengthMs of what ends as one window: several if the device slept, `Infinity` for all that have frames */
  #closeCameras(lengthMs: number): CameraDrift[] {
    const open = Math.max(...Array.from(this.#cameras.values(), ({ openWindows }) => openWindows));
    let cameras = this.#closeFirst();
    for (let i = 1; i < Math.min(open, lengthMs / this.#lengthMs); i += 1)
      cameras = mergeCameras(cameras, this.#closeFirst());
    return cameras;
  }

  #closeFirst(): CameraDrift[] {
    return Array.from(this.#cameras, ([name, camera]) => camera.close(name, this.#session.labels));
  }

  #startOf(ms: number): number {
    return Math.floor(ms / this.#lengthMs) * this.#lengthMs;
  }

  #endAfter(ms: number): number {
    return this.#startOf(ms) + this.#lengthMs;
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
