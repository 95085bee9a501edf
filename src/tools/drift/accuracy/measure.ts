import type { Picture } from '../../../core/corruption/picture.ts';
import type { Detections } from '../../../core/detections.ts';
import { summaryOf, type DriftSummary } from '../../../core/drift/summary.ts';
import type { DetectedBox } from '../../../core/evaluation/boxes.ts';
import { evaluateDetections } from '../../../core/evaluation/evaluate.ts';
import { Tracker } from '../../../core/tracking/tracker.ts';
import { CameraWatch } from '../../../device/drift/camera-watch.ts';
import { cutToLimits } from '../../../device/pipeline/decode-limits.ts';
import type { PreprocessMode } from '../../../device/pipeline/frame/preprocess-mode.ts';
import type { Bundle } from '../../../model/bundle.ts';
import { boxesOf } from '../../../core/evaluation/boxes-of.ts';
import type { Degradation } from './degrade.ts';
import type { LabeledPictures } from './labeled-pictures.ts';
import type { PictureEngine, PictureResult } from './picture-engine.ts';
import type { Seen } from './share-noise.ts';

/** Boxes from this score on count for AP, as in `goshawk evaluate`. */
const EVALUATED_FROM = 0.01;
/** Scores are counted from here on, in this many bins. */
const COUNTED_FROM = 0.05;
export const SCORE_BINS = 100;
/** Low-score boxes that a tracker gets on top. */
const TRACKED_ROOM = 100;
/** Seconds between sequences, and between pictures that are none: longer than a track lives. */
const PAUSE = 10;

/** What was measured of pictures, and how well the model saw them: by what a robot publishes, a box's best class. */
export interface Measured extends Seen {
  /** as a drift window has it */
  readonly summary: DriftSummary;
  /** numbers of boxes above 0.05, by score in hundredths */
  readonly scores: number[];
}

/**
 * Runs pictures through a model as the frame path does: inference, suppression, tracking, statistics.
 * @param degradation null leaves the pictures as they are
 * @throws GoshawkError GOSHAWK_INFERENCE_FAILED, and for pictures that cannot be read
 */
export async function measurePictures(
  engine: PictureEngine,
  pictures: LabeledPictures,
  degradation: Degradation | null,
  mode: PreprocessMode = 'graph',
): Promise<Measured> {
  const { manifest } = engine.bundle;
  const { count, truths } = pictures;
  const run = new MeasuredRun(pictures, manifest, mode);
  const { iou } = manifest.thresholds;
  const limits = { scoreThreshold: EVALUATED_FROM, iouThreshold: iou, maxDetections: 300, classFilter: null };
  for (let index = 0; index < count; index++) {
    const shown = await (degradation?.read(pictures, index) ?? pictures.read(index));
    const result = await engine.infer(shown, mode, limits);
    run.add(index, shown, result);
    engine.recycle(result.detections);
  }
  const classes = manifest.labels.length;
  const { stats, matches } = evaluateDetections({ images: count, classes, truths, detections: run.boxes });
  return { summary: run.summary(), ap: stats.ap ?? 0, matches, scores: run.scores };
}

/** Collects what one run over pictures shows. */
class MeasuredRun {
  readonly boxes: DetectedBox[] = [];
  readonly scores = new Array<number>(SCORE_BINS).fill(0);
  readonly #pictures: LabeledPictures;
  readonly #manifest: Bundle['manifest'];
  readonly #mode: PreprocessMode;
  readonly #watch = new CameraWatch();
  #tracker = new Tracker();
  #seconds = 0;

  constructor(pictures: LabeledPictures, manifest: Bundle['manifest'], mode: PreprocessMode) {
    this.#pictures = pictures;
    this.#manifest = manifest;
    this.#mode = mode;
  }

  add(index: number, { width, height }: Picture, { detections, statistics }: PictureResult): void {
    this.boxes.push(...boxesOf(detections, index));
    this.#countScores(detections);
    this.#track(index, detections);
    const { score, maxDetections } = this.#manifest.thresholds;
    cutToLimits(detections, { score_threshold: score, max_detections: maxDetections });
    const times = { stamp: { sec: 0, nanosec: 0 }, receivedAt: this.#seconds * 1000, deadline: Infinity };
    const envelope = { camera: 'camera', sequence: index, frameId: '', ...times };
    const size = { sourceWidth: width, sourceHeight: height };
    const frame = { envelope, statistics, detections, ...size, mode: this.#mode };
    this.#watch.deliver(frame, { startMs: 0, lengthMs: Infinity }, 0);
  }

  summary(): DriftSummary {
    return summaryOf(this.#watch.close('camera', this.#manifest.labels));
  }

  #countScores({ count, scores }: Detections): void {
    for (let i = 0; i < count; i++) {
      if (scores[i]! <= COUNTED_FROM) continue;
      this.scores[Math.min(SCORE_BINS - 1, Math.floor(scores[i]! * SCORE_BINS))]! += 1;
    }
  }

  #track(index: number, detections: Detections): void {
    const { rate, starts } = this.#pictures;
    const isFirst = rate === null || starts.has(index);
    this.#seconds += isFirst ? PAUSE : 1 / rate;
    const room = this.#manifest.thresholds.maxDetections + TRACKED_ROOM;
    cutToLimits(detections, { score_threshold: Tracker.wantsFrom, max_detections: room });
    if (rate === null) return;
    if (isFirst) this.#tracker = new Tracker();
    this.#tracker.update(detections, this.#seconds);
  }
}
