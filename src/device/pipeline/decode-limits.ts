import type { Detections } from '../../core/detections.ts';
import type { DecodeLimits } from '../inference/engine.ts';
import { changeLimits, LIMIT_PARAMETERS, type Limits, type LimitsPatch } from './limit-table.ts';

const { max: MAX_DETECTIONS } = LIMIT_PARAMETERS.max_detections;

/** Maximum number of low-score boxes per frame that trackers get on top of those that may be published. */
const LOW_SCORE_ROOM = 100;

/**
 * The limits as the engine takes them.
 * @param trackedFrom lowest score that a tracker wants, including boxes too low to publish; `null` without a tracker.
 * `cutToLimits` later removes what is not published: suppression goes from the best score down, so low-score boxes do
 * not affect the others.
 */
export function toDecodeLimits(
  limits: Limits,
  labels: readonly string[],
  trackedFrom: number | null,
): DecodeLimits {
  const { class_filter: classes, score_threshold: score, max_detections: maxDetections } = limits;
  const isTracked = trackedFrom !== null;
  return {
    scoreThreshold: isTracked ? Math.min(score, trackedFrom) : score,
    iouThreshold: limits.iou_threshold,
    maxDetections: isTracked ? Math.min(MAX_DETECTIONS, maxDetections + LOW_SCORE_ROOM) : maxDetections,
    classFilter:
      classes.length === 0 ? null : Uint8Array.from(labels, (label) => (classes.includes(label) ? 1 : 0)),
  };
}

/** Keeps the detections that may be published; they are ordered best first. */
export function cutToLimits(
  detections: Detections,
  { score_threshold: score, max_detections: maxDetections }: Limits,
): void {
  let count = Math.min(detections.count, maxDetections);
  while (count > 0 && detections.scores[count - 1]! <= score) count -= 1;
  detections.count = count;
}

/** The limits in force, as the operator set them and as the engine takes them. */
export class LimitsInForce {
  readonly #labels: readonly string[];
  readonly #trackedFrom: number | null;
  #limits: Limits;
  #forEngine: DecodeLimits;

  /** @throws GoshawkError `GOSHAWK_PARAMETER_INVALID` */
  constructor(
    defaults: Limits,
    patch: LimitsPatch,
    options: { readonly labels: readonly string[]; readonly trackedFrom: number | null },
  ) {
    this.#labels = options.labels;
    this.#trackedFrom = options.trackedFrom;
    this.#limits = changeLimits(defaults, patch, this.#labels);
    this.#forEngine = toDecodeLimits(this.#limits, this.#labels, this.#trackedFrom);
  }

  get limits(): Limits {
    return this.#limits;
  }

  get forEngine(): DecodeLimits {
    return this.#forEngine;
  }

  /** @throws GoshawkError `GOSHAWK_PARAMETER_INVALID`; the old limits stay in force */
  change(patch: LimitsPatch): Limits {
    this.#limits = changeLimits(this.#limits, patch, this.#labels);
    this.#forEngine = toDecodeLimits(this.#limits, this.#labels, this.#trackedFrom);
    return this.#limits;
  }
}
