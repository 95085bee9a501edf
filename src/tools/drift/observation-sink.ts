import { Observer } from '../../core/drift/observe/observer.ts';
import { summaryOf, type DriftSummary } from '../../core/drift/summary.ts';
import { CameraWatch, type WatchedFrame } from '../../device/drift/camera-watch.ts';
import type { ResultSink } from '../../device/pipeline/frame/frame-result.ts';

/** Collects what a camera shows, one observation a second, as a detector with a reference does. */
export class ObservationSink implements ResultSink {
  readonly name = 'observations';
  readonly rows: Float64Array[] = [];
  readonly #observer = new Observer();
  readonly #watch = new CameraWatch();
  readonly #onRow: (count: number) => void;

  constructor(onRow: (count: number) => void) {
    this.#onRow = onRow;
  }

  wantsStatistics(): boolean {
    return true;
  }

  deliver(result: WatchedFrame): void {
    const { statistics, detections, sourceWidth, sourceHeight, envelope } = result;
    this.#watch.deliver(result, { startMs: 0, lengthMs: Infinity }, envelope.receivedAt);
    if (statistics === null) return;
    const size = { width: sourceWidth, height: sourceHeight };
    const row = this.#observer.observe(statistics, detections, size, envelope.receivedAt);
    if (row === null) return;
    this.rows.push(row.slice());
    this.#onRow(this.rows.length);
  }

  /** The means of all frames so far. Once: the next call begins anew. */
  takeMeasures(): DriftSummary {
    return summaryOf(this.#watch.close('camera', []));
  }
}
