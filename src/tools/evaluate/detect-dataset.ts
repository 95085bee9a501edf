import { join } from 'node:path';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { DetectedBox } from '../../core/evaluation/boxes.ts';
import { boxesOf } from '../../core/evaluation/boxes-of.ts';
import { Histogram } from '../../core/histogram.ts';
import type { Dataset } from './dataset.ts';
import type { ImageDetector, DetectorTimes } from './detector.ts';
import { ImageMeasures, type ObservedImages } from './image-measures.ts';

/** Latencies of a run over a data set, by stage. */
export class DetectorLatencies {
  readonly total = new Histogram();
  readonly stages: Record<keyof DetectorTimes, Histogram> = {
    preprocess: new Histogram(),
    queue: new Histogram(),
    inference: new Histogram(),
    decode: new Histogram(),
  };

  record(times: DetectorTimes): void {
    for (const [stage, histogram] of Object.entries(this.stages)) {
      histogram.record(times[stage as keyof DetectorTimes]);
    }
    this.total.record(times.preprocess + times.queue + times.inference + times.decode);
  }
}

export interface DatasetDetections {
  /** by image, best first */
  readonly boxes: readonly DetectedBox[];
  readonly latencies: DetectorLatencies;
  readonly observed: ObservedImages;
}

/**
 * Runs a detector over all images of a data set, a few at a time; the result does not depend on their order
 * of completion. The first image that fails ends the run, because results over part of a data set are
 * misleading.
 * @param folder folder of the images
 * @param onProgress called after each image
 */
export async function detectDataset(
  dataset: Dataset,
  folder: string,
  detector: ImageDetector,
  onProgress: (done: number, total: number) => void,
): Promise<DatasetDetections> {
  const { images } = dataset;
  const byImage: DetectedBox[][] = images.map(() => []);
  const latencies = new DetectorLatencies();
  const measures = new ImageMeasures(detector);
  let next = 0;
  let done = 0;
  let failed = false;

  async function detectOne(index: number): Promise<void> {
    const { file, width, height } = images[index]!;
    const result = await detector.detect(join(folder, file)).catch((error: unknown) => {
      const reason = error instanceof GoshawkError ? error.message : describeError(error);
      throw new GoshawkError(
        'GOSHAWK_DATASET_IMAGE',
        { image: file, file: dataset.file, reason },
        { cause: error },
      );
    });
    if (result.width !== width || result.height !== height) {
      const reason = `it has ${result.width}x${result.height} pixels, but the annotations say ${width}x${height}`;
      throw new GoshawkError('GOSHAWK_DATASET_IMAGE', { image: file, file: dataset.file, reason });
    }
    byImage[index] = boxesOf(result.detections, index);
    measures.add(index, result);
    detector.release(result.detections);
    latencies.record(result.times);
    onProgress(++done, images.length);
  }

  async function work(): Promise<void> {
    while (next < images.length && !failed) {
      try {
        await detectOne(next++);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }

  const outcomes = await Promise.allSettled(Array.from({ length: detector.parallel }, work));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return { boxes: byImage.flat(), latencies, observed: measures.read() };
}
