import type { AccuracyReport } from '../../../contract/report.ts';
import type { ReadDetection } from '../../../core/cdr/read-detections.ts';
import { boxesOf } from '../../../core/evaluation/boxes-of.ts';
import type { DetectedBox } from '../../../core/evaluation/boxes.ts';
import type { DetectorLatencies } from '../detect-dataset.ts';
import type { DetectorResult, ImageDetector } from '../detector.ts';
import type { DecodedRecordedImage, RecordedImages } from './recorded-images.ts';

/** An image of a recording that was evaluated, without its pixels. */
export interface DetectedImage {
  readonly index: number;
  readonly width: number;
  readonly height: number;
  readonly labels: readonly ReadDetection[];
  readonly boxes: readonly DetectedBox[];
  /** what a judge detects; empty without one */
  readonly judged: readonly DetectedBox[];
}

/** A recording that was evaluated. */
export interface EvaluatedRecording {
  readonly facts: NonNullable<AccuracyReport['recordings']>[number];
  readonly images: readonly DetectedImage[];
}

export interface DetectRecordingOptions {
  readonly detector: ImageDetector;
  /** null if the images are labeled */
  readonly judge: ImageDetector | null;
  /** number of images in the recordings before this one: boxes get the number of their image in all of them */
  readonly before: number;
  readonly latencies: DetectorLatencies;
  /** takes what is measured of an image, while its detections are valid */
  readonly measure: (result: DetectorResult) => void;
  readonly onImage: () => void;
}

/**
 * Runs a detector, and a judge, over the images of a recording. Images go from the recording into the detector through
 * memory, as many at a time as the detector works on: nothing is written to the disk, and a recording may be as long as
 * it likes. An image that does not decode is left out and counted; the result does not depend on the order of
 * completion.
 * @returns images in the order of the recording
 * @throws GoshawkError of a model that fails, and of a recording that cannot be read any more
 */
export async function detectRecording(
  images: RecordedImages,
  options: DetectRecordingOptions,
): Promise<DetectedImage[]> {
  const found: DetectedImage[] = [];
  let failed = false;

  async function work(): Promise<void> {
    try {
      while (!failed) {
        const image = await images.next();
        if (image === undefined) return;
        if (image !== null) found.push(await detectOne(image, options));
        options.onImage();
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  }

  const outcomes = await Promise.allSettled(Array.from({ length: options.detector.parallel }, work));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return found.sort((a, b) => a.index - b.index).map((image, at) => renumbered(image, options.before + at));
}

async function detectOne(
  { index, view, labels }: DecodedRecordedImage,
  { detector, judge, latencies, measure }: DetectRecordingOptions,
): Promise<DetectedImage> {
  const { width, height } = view;
  const result = await detector.detect(view);
  const boxes = boxesOf(result.detections, index);
  measure(result);
  detector.release(result.detections);
  latencies.record(result.times);
  const judged = judge === null ? [] : await boxesFoundBy(judge, view, index);
  return { index, width, height, labels, boxes, judged };
}

async function boxesFoundBy(
  detector: ImageDetector,
  view: DecodedRecordedImage['view'],
  index: number,
): Promise<DetectedBox[]> {
  const { detections } = await detector.detect(view);
  const boxes = boxesOf(detections, index);
  detector.release(detections);
  return boxes;
}

/** Images that were refused leave no gap. */
function renumbered(image: DetectedImage, number: number): DetectedImage {
  const own = (boxes: readonly DetectedBox[]): DetectedBox[] =>
    boxes.map((box) => ({ ...box, image: number }));
  return { ...image, index: number, boxes: own(image.boxes), judged: own(image.judged) };
}
