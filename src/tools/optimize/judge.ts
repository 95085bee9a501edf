import { z } from 'zod';
import { intervalOf, resampleAp, type Interval } from '../../core/evaluation/bootstrap.ts';
import type { DetectedBox, TruthBox } from '../../core/evaluation/boxes.ts';
import { evaluateDetections, type CocoEvaluation } from '../../core/evaluation/evaluate.ts';
import type { Dataset } from '../evaluate/dataset.ts';
import { detectStored, type DetectOptions } from './detect-stored.ts';
import type { ImageStore } from './image-store.ts';
import { selectImages, type DatasetPart, type Split } from './split.ts';

/** share of resamples within an interval */
export const CONFIDENCE = 0.95;
/** detections of the original above this score count as ground truth if there are no labels */
export const AGREEMENT_SCORE = 0.3;

const intervalSchema = z.object({ low: z.number(), high: z.number() });

/**
 * What the search knows about a model's accuracy. Shares are 0..1; drops are the original's AP minus the
 * model's.
 */
export const searchAccuracySchema = z.object({
  /** on the search part of the labeled images */
  ap: z.number(),
  drop: z.number(),
  dropInterval: intervalSchema.nullable(),
  /** standard deviation of the drop over the resamples */
  dropDeviation: z.number(),
  /** AP with the original's detections as ground truth, on calibration and search images */
  agreement: z.number(),
});

export type SearchAccuracy = z.infer<typeof searchAccuracySchema>;

/** A model's accuracy on a part that the search did not use. */
export interface PartAccuracy {
  readonly evaluation: CocoEvaluation;
  readonly ap: number;
  readonly interval: Interval | null;
  readonly drop: number;
  readonly dropInterval: Interval | null;
}

/** A graph and how to run it. */
export interface JudgedModel {
  readonly bytes: Uint8Array;
  /**
   * true if it is meant for CPUs with exact 8-bit sums: it is evaluated with exact sums, even if this CPU
   * saturates
   */
  readonly exactInt8: boolean;
}

export interface JudgeOptions extends DetectOptions {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly labeled: ImageStore;
  readonly calibration: ImageStore;
  /** of the bootstrap over images */
  readonly resamples: number;
  readonly seed: number;
}

/** Compares the accuracy of models with the original, which is evaluated once. */
export class Judge {
  /** AP of the original on the search part */
  readonly originalSearchAp: number;
  readonly #options: JudgeOptions;
  readonly #original: Uint8Array;
  readonly #searchDraws: Float64Array;
  readonly #pseudoTruths: readonly TruthBox[];
  readonly #ownAgreement: number;

  private constructor(
    original: Uint8Array,
    options: JudgeOptions,
    labeled: readonly DetectedBox[],
    calibration: readonly DetectedBox[],
  ) {
    this.#original = original;
    this.#options = options;
    const evaluation = this.#evaluate(options.split.search, labeled);
    this.originalSearchAp = evaluation.stats.ap ?? 0;
    this.#searchDraws = this.#draw(options.split.search, evaluation);
    this.#pseudoTruths = this.#joined(labeled, calibration)
      .filter(({ score }) => score > AGREEMENT_SCORE)
      .map((box) => ({ ...box, area: box.width * box.height, crowd: false }));
    this.#ownAgreement = this.#agreement(labeled, calibration) || 1;
  }

  /** Evaluates the original on the images that the search may use. */
  static async open(original: Uint8Array, options: JudgeOptions): Promise<Judge> {
    const labeled = await detectStored(original, options.labeled, options, options.split.search.images);
    const calibration = await detectStored(original, options.calibration, options);
    return new Judge(original, options, labeled, calibration);
  }

  /** Evaluates a model on the search part and the calibration images only. Throws BrokenOutputError. */
  async search({ bytes, exactInt8 }: JudgedModel): Promise<SearchAccuracy> {
    const { split, labeled, calibration } = this.#options;
    const options = { ...this.#options, exactInt8 };
    const found = await detectStored(bytes, labeled, options, split.search.images);
    const alike = await detectStored(bytes, calibration, options);
    const evaluation = this.#evaluate(split.search, found);
    const drops = differences(this.#searchDraws, this.#draw(split.search, evaluation));
    const ap = evaluation.stats.ap ?? 0;
    return {
      ap,
      drop: this.originalSearchAp - ap,
      dropInterval: intervalOf(drops, CONFIDENCE),
      dropDeviation: deviation(drops),
      agreement: this.#agreement(found, alike) / this.#ownAgreement,
    };
  }

  /** Accuracy of the finalists on the choice part, the original first. */
  choice(models: readonly JudgedModel[]): Promise<PartAccuracy[]> {
    return this.#onPart(this.#options.split.choice, models);
  }

  /** Accuracy of models on the final part, the original first. Called once, when everything is chosen. */
  final(models: readonly JudgedModel[]): Promise<PartAccuracy[]> {
    return this.#onPart(this.#options.split.final, models);
  }

  async #onPart(part: DatasetPart, models: readonly JudgedModel[]): Promise<PartAccuracy[]> {
    const { labeled } = this.#options;
    const results: PartAccuracy[] = [];
    let first: { ap: number; draws: Float64Array } | null = null;
    for (const { bytes, exactInt8 } of [{ bytes: this.#original, exactInt8: false }, ...models]) {
      const found = await detectStored(bytes, labeled, { ...this.#options, exactInt8 }, part.images);
      const evaluation = this.#evaluate(part, found);
      const draws = this.#draw(part, evaluation);
      const ap = evaluation.stats.ap ?? 0;
      first ??= { ap, draws };
      results.push({
        evaluation,
        ap,
        interval: intervalOf(draws, CONFIDENCE),
        drop: first.ap - ap,
        dropInterval: intervalOf(differences(first.draws, draws), CONFIDENCE),
      });
    }
    return results;
  }

  #evaluate(part: DatasetPart, found: readonly DetectedBox[]): CocoEvaluation {
    const { dataset } = this.#options;
    return evaluateDetections(selectImages(part.images, dataset.labels.length, dataset.truths, found));
  }

  #draw(part: DatasetPart, { matches }: CocoEvaluation): Float64Array {
    const { resamples, seed } = this.#options;
    return resampleAp(matches, { images: part.images.length, resamples, seed });
  }

  /** Calibration images first, then those of the search part. */
  #joined(labeled: readonly DetectedBox[], calibration: readonly DetectedBox[]): DetectedBox[] {
    const { split, calibration: store } = this.#options;
    const search = selectImages(split.search.images, 0, [], labeled).detections;
    return [...calibration, ...search.map((box) => ({ ...box, image: box.image + store.count }))];
  }

  #agreement(labeled: readonly DetectedBox[], calibration: readonly DetectedBox[]): number {
    const { split, calibration: store, dataset } = this.#options;
    const { stats } = evaluateDetections({
      images: store.count + split.search.images.length,
      classes: dataset.labels.length,
      truths: this.#pseudoTruths,
      detections: this.#joined(labeled, calibration),
    });
    return stats.ap ?? 0;
  }
}

function differences(before: Float64Array, after: Float64Array): Float64Array {
  return before.map((value, i) => value - after[i]!);
}

function deviation(values: Float64Array): number {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return 0;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length);
}
