import type { CameraDrift } from '../../core/drift/camera-drift.ts';
import { CameraWindow } from '../../core/drift/camera-window.ts';
import { BLOCK, PATCH_COUNT } from '../../core/drift/frame-block.ts';
import { SceneChange } from '../../core/drift/scene-change.ts';
import { TrackWatch } from '../../core/drift/track-watch.ts';
import type { FrameResult } from '../pipeline/frame/frame-result.ts';
import { FrameTimes } from '../telemetry/frame-times.ts';

/** The window that is open, and those after it. */
export interface WindowSpan {
  /** milliseconds of the clock of the windows */
  readonly startMs: number;
  /** windows end at multiples of it */
  readonly lengthMs: number;
}

/** What is watched of a published frame. */
export type WatchedFrame = Pick<
  FrameResult,
  'envelope' | 'statistics' | 'detections' | 'sourceWidth' | 'sourceHeight' | 'mode'
>;

/** What one camera shows, window by window. Frames count in the window of their stamp, as latencies do. */
export class CameraWatch {
  /** the open window, which waits for late frames, and those after it that have frames already */
  readonly #windows: CameraWindow[] = [];
  readonly #times = new FrameTimes();
  readonly #scene = new SceneChange();
  readonly #tracks = new TrackWatch();

  /** Frames come in order. @param nowMs the clock of the windows */
  deliver(result: WatchedFrame, { startMs, lengthMs }: WindowSpan, nowMs: number): void {
    const { statistics, detections, sourceWidth, sourceHeight, envelope } = result;
    const stampMs = this.#times.place(envelope.stamp, startMs, nowMs) ?? startMs;
    const window = this.#window(Math.floor(stampMs / lengthMs) - Math.floor(startMs / lengthMs));
    window.noteBoxes(detections, sourceWidth, sourceHeight);
    this.#tracks.update(
      detections,
      envelope.receivedAt / 1000,
      ({ seconds, flicker }) => {
        window.note('track_seconds', seconds);
        window.note('track_flicker', flicker);
      },
      ({ sag, jitter }) => {
        window.note('track_sag', sag);
        if (jitter !== null) window.note('track_jitter', jitter);
      },
    );
    if (statistics === null) {
      window.noteUnmeasured();
      return;
    }
    window.noteBlock(statistics, result.mode === 'graph');
    this.#scene.update(statistics.subarray(BLOCK.patches, BLOCK.patches + PATCH_COUNT));
    window.note('motion', this.#scene.motion);
    window.note('static_share', this.#scene.staticShare);
  }

  /** Windows that have frames, or come before one that has. */
  get openWindows(): number {
    return this.#windows.length;
  }

  /** Ends the open window; the next one is open then. */
  close(camera: string, labels: readonly string[]): CameraDrift {
    const window = this.#windows.shift() ?? new CameraWindow();
    return window.read(camera, labels, this.#times.take());
  }

  /** @param index 0 for the open one. Clocks that agree bound it. */
  #window(index: number): CameraWindow {
    let window = this.#windows[index];
    while (window === undefined) {
      this.#windows.push(new CameraWindow());
      window = this.#windows[index];
    }
    return window;
  }
}
