import type { Detections } from '../../core/detections.ts';
import type { DecodeLimits } from '../inference/engine.ts';
import { LIMIT_PARAMETERS } from '../../contract/limit-parameters.ts';
import { changeLimits, type Limits, type LimitsPatch } from './limit-table.ts';

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
  {
    score_threshold: score,
    max_detections: maxDetections,
  }: Pick<Limits, 'score_threshold' | 'max_detections'>,
): void {
  let count = Math.min(detections.count, maxDetections);
  while (count > 0 && detections.scores[count - 1]! <= score) count -= 1;
  detections.count = count;
}

/** The limits in force: those of the operator with what is laid over them, and as the engine takes them. */
export class LimitsInForce {
  readonly #labels: readonly string[];
  readonly #trackedFrom: number | null;
  #configured: Limits;
  #override: LimitsPatch = {};
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
    this.#configured = changeLimits(defaults, patch, this.#labels);
    this.#limits = this.#configured;
    this.#forEngine = toDecodeLimits(this.#limits, this.#labels, this.#trackedFrom);
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** what is laid over the limits of the operator */
  get overridden(): LimitsPatch {
    return this.#override;
  }

  get forEngine(): DecodeLimits {
    return this.#forEngine;
  }

  /**
   * Changes what the operator set; what is laid over it stays.
   * @throws GoshawkError `GOSHAWK_PARAMETER_INVALID`; the old limits stay in force
   */
  change(patch: LimitsPatch): Limits {
    return this.#become(changeLimits(this.#configured, patch, this.#labels), this.#override);
  }

  /**
   * Lays limits over those of the operator, in place of what was laid over them before; an empty patch takes it away.
   * @throws GoshawkError `GOSHAWK_PARAMETER_INVALID`; the old limits stay in force
   */
  override(patch: LimitsPatch): Limits {
    return this.#become(this.#configured, patch);
  }

  #become(configured: Limits, override: LimitsPatch): Limits {
    const limits = changeLimits(configured, override, this.#labels);
    this.#forEngine = toDecodeLimits(limits, this.#labels, this.#trackedFrom);
    this.#configured = configured;
    this.#override = override;
    this.#limits = limits;
    return limits;
  }
}
