import type { FrameKind } from '../../contract/drift-reference.ts';
import { Observer } from '../../core/drift/observe/observer.ts';
import { summaryOf, type DriftSummary } from '../../core/drift/summary.ts';
import type { LetterboxResize } from '../../core/image/letterbox.ts';
import { CameraWatch, type WatchedFrame } from '../../device/drift/camera-watch.ts';
import { frameKindOf, type FrameOrigin } from '../../device/drift/frame-kind.ts';
import type { ResultSink } from '../../device/pipeline/frame/frame-result.ts';
import type { PreprocessMode } from '../../device/pipeline/frame/preprocess-mode.ts';

/** Observations of frames that came and were resized alike. */
interface OfKind {
  readonly rows: Float64Array[];
  /** by the way in which their frames were resized */
  readonly preprocess: Record<PreprocessMode, number>;
}

/** What was observed. */
export interface Observed extends Readonly<OfKind> {
  readonly frames: FrameKind;
  /** observations of frames of other kinds, which are not comparable */
  readonly leftOut: number;
}

/** Collects what a camera shows, one observation a second, as a detector with a reference does. */
export class ObservationSink implements ResultSink {
  readonly name = 'observations';
  readonly #observer = new Observer();
  readonly #watch = new CameraWatch();
  readonly #kinds = new Map<FrameKind, OfKind>();
  readonly #resize: LetterboxResize;
  readonly #onRow: (count: number) => void;
  #count = 0;

  /** @param resize of the network */
  constructor(resize: LetterboxResize, onRow: (count: number) => void) {
    this.#resize = resize;
    this.#onRow = onRow;
  }

  wantsStatistics(): boolean {
    return true;
  }

  deliver(result: WatchedFrame & FrameOrigin): void {
    const { statistics, detections, sourceWidth, sourceHeight, envelope } = result;
    this.#watch.deliver(result, { startMs: 0, lengthMs: Infinity }, envelope.receivedAt);
    if (statistics === null) return;
    const size = { width: sourceWidth, height: sourceHeight };
    const row = this.#observer.observe(statistics, detections, size, envelope.receivedAt);
    if (row === null) return;
    const kind = frameKindOf(result, this.#resize);
    const ofKind = this.#kinds.get(kind) ?? { rows: [], preprocess: { sharp: 0, graph: 0 } };
    this.#kinds.set(kind, ofKind);
    ofKind.rows.push(row.slice());
    ofKind.preprocess[result.mode] += 1;
    this.#count += 1;
    this.#onRow(this.#count);
  }

  /** The observations of the most frequent kind: while ways of resizing are tried, frames take both. */
  observed(): Observed {
    const [first] = [...this.#kinds].sort(([, one], [, other]) => other.rows.length - one.rows.length);
    const [frames, ofKind] = first ?? ['raw', { rows: [], preprocess: { sharp: 0, graph: 0 } }];
    return { frames, ...ofKind, leftOut: this.#count - ofKind.rows.length };
  }

  /** The means of all frames so far. Once: the next call begins anew. */
  takeMeasures(): DriftSummary {
    return summaryOf(this.#watch.close('camera', []));
  }
}
