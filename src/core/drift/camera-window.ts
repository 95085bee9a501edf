import type { Detections } from '../detections.ts';
import type { CameraDrift } from './camera-drift.ts';
import { cappedSum, FeatureHistogram, type FeatureCounts } from './feature-counts.ts';
import { FEATURE_NAMES, IMAGE_FEATURES, type FeatureName } from './features.ts';
import { BLOCK } from './frame-block.ts';

const inMillionths = (value: number): number => Math.max(0, Math.round(value * 1e6));

const AGREEMENT = [
  BLOCK.kept,
  BLOCK.consistency,
  BLOCK.reliable,
  BLOCK.overlapping,
  BLOCK.scored,
  BLOCK.scores,
];

/** Whether suppression ran outside of the graph, on numbers. */
const isMeasured = (block: Float32Array): boolean =>
  block[BLOCK.kept]! >= 0 && AGREEMENT.every((at) => Number.isFinite(block[at]));

/** Counts what one camera shows during a window. */
export class CameraWindow {
  readonly #histograms = new Map(FEATURE_NAMES.map((name) => [name, new FeatureHistogram(name)]));
  readonly #classes = new Map<number, number>();
  #frames = 0;
  #inGraph = 0;
  #unmeasured = 0;
  #agreements = 0;
  #consistency = 0;
  #kept = 0;
  #reliable = 0;
  #overlapping = 0;
  #scored = 0;
  #scores = 0;

  /** A value of any feature; one that was not measured does not count. */
  note(name: FeatureName, value: number): void {
    this.#histograms.get(name)?.note(value);
  }

  /** A frame that nobody measured. */
  noteUnmeasured(): void {
    this.#unmeasured += 1;
  }

  /**
   * The image of a measured frame, and what suppression did.
   * @param inGraph it was resized inside the graph
   */
  noteBlock(block: Float32Array, inGraph: boolean): void {
    this.#frames += 1;
    if (inGraph) this.#inGraph += 1;
    IMAGE_FEATURES.forEach((name, i) => this.note(name, block[i]!));
    this.note('candidates', block[BLOCK.candidates]!);
    if (!isMeasured(block)) return;
    this.#agreements += 1;
    this.#kept += block[BLOCK.kept]!;
    this.#consistency = cappedSum(this.#consistency, inMillionths(block[BLOCK.consistency]!));
    this.#reliable = cappedSum(this.#reliable, inMillionths(block[BLOCK.reliable]!));
    this.#overlapping = cappedSum(this.#overlapping, inMillionths(block[BLOCK.overlapping]!));
    this.#scored += block[BLOCK.scored]!;
    this.#scores = cappedSum(this.#scores, inMillionths(block[BLOCK.scores]!));
  }

  /** The published boxes of a frame; width and height of its image in pixels. */
  noteBoxes({ count, boxes, scores, classes }: Detections, width: number, height: number): void {
    this.note('boxes', count);
    for (let i = 0; i < count; i++) {
      const left = boxes[4 * i]!;
      const top = boxes[4 * i + 1]!;
      const across = boxes[4 * i + 2]! - left;
      const down = boxes[4 * i + 3]! - top;
      this.note('confidence', scores[i]!);
      this.note('box_size', Math.sqrt((across * down) / (width * height)));
      this.note('box_aspect', across / (across + down));
      this.note('box_x', (left + across / 2) / width);
      this.note('box_y', (top + down / 2) / height);
      this.#classes.set(classes[i]!, (this.#classes.get(classes[i]!) ?? 0) + 1);
    }
  }

  /** @param labels of the model, for the classes */
  read(
    camera: string,
    labels: readonly string[],
    times: { readonly late: number; readonly duplicate: number },
  ): CameraDrift {
    const features: Record<string, FeatureCounts> = {};
    for (const [name, histogram] of this.#histograms) {
      const counts = histogram.read();
      if (counts !== null) features[name] = counts;
    }
    const classes = [...this.#classes].map(
      ([index, count]) => [labels[index] ?? String(index), count] as const,
    );
    return {
      camera,
      frames: this.#frames,
      inGraph: this.#inGraph,
      unmeasured: this.#unmeasured,
      ...times,
      features,
      classes: Object.fromEntries(classes),
      agreement:
        this.#agreements === 0
          ? null
          : {
              consistency: { sum: this.#consistency, n: this.#kept },
              reliability: { reliable: this.#reliable, total: this.#overlapping },
              score: { sum: this.#scores, n: this.#scored },
            },
    };
  }
}
