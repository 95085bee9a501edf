import type { CameraDrift } from '../../core/drift/camera-drift.ts';
import { CameraWindow } from '../../core/drift/camera-window.ts';
import { Observer } from '../../core/drift/observe/observer.ts';
import { cutToLimits } from '../../device/pipeline/decode-limits.ts';
import type { DetectorResult, ImageDetector } from './detector.ts';

/** What the images of a data set show, measured as a robot measures its frames. */
export interface ObservedImages {
  /** of all images as one window; without frames if the detector does not measure them */
  readonly measures: CameraDrift;
  /** an observation of each measured image, in the order of the data set */
  readonly rows: readonly Float64Array[];
}

/** Measures the images of a data set as a robot measures its frames, in whatever order they come. */
export class ImageMeasures {
  readonly #window = new CameraWindow();
  readonly #rows = new Map<number, Float64Array>();
  readonly #detector: Pick<ImageDetector, 'labels' | 'published' | 'inGraph'>;

  constructor(detector: Pick<ImageDetector, 'labels' | 'published' | 'inGraph'>) {
    this.#detector = detector;
  }

  /** Keeps of the detections those that a robot publishes. @param index of the image in the data set */
  add(index: number, { detections, statistics, width, height }: DetectorResult): void {
    if (statistics === undefined) return;
    const { published, inGraph } = this.#detector;
    const { score, maxDetections } = published;
    cutToLimits(detections, { score_threshold: score, max_detections: maxDetections });
    this.#window.noteBlock(statistics, inGraph);
    this.#window.noteBoxes(detections, width, height);
    // an observer of its own: images do not follow each other, so nothing is compared with the one before
    const row = new Observer().observe(statistics, detections, { width, height }, 0);
    if (row !== null) this.#rows.set(index, row);
  }

  read(): ObservedImages {
    return {
      measures: this.#window.read('evaluation', this.#detector.labels, { late: 0, duplicate: 0 }),
      rows: [...this.#rows].toSorted(([a], [b]) => a - b).map(([, row]) => row),
    };
  }
}
