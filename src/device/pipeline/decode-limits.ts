import { GoshawkError } from '../../contract/errors.ts';
import type { Detections } from '../../core/detections.ts';
import type { DecodeLimits } from '../inference/engine.ts';

/** Limits as the operator sets them. */
export interface Limits {
  /** 0..1: detections below it are left out */
  readonly score: number;
  /** 0..1: overlap within a class above which the lower-scoring detection is left out */
  readonly iou: number;
  /** 1..10000 per frame */
  readonly maxDetections: number;
  /** labels that are kept; `null` keeps all */
  readonly classes: readonly string[] | null;
}

export type LimitsPatch = { readonly [K in keyof Limits]?: Limits[K] | undefined };

const MAX_DETECTIONS = 10_000;

function refuseParameter(name: string, value: unknown, reason: string): never {
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value: String(value), reason });
}

function checkRatio(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) refuseParameter(name, value, 'must be a number from 0 to 1');
}

/**
 * The limits with `patch` applied.
 * @throws GoshawkError `GOSHAWK_PARAMETER_INVALID` for a value out of range or a class that is not a label
 */
export function changeLimits(limits: Limits, patch: LimitsPatch, labels: readonly string[]): Limits {
  const changed: Limits = {
    score: patch.score ?? limits.score,
    iou: patch.iou ?? limits.iou,
    maxDetections: patch.maxDetections ?? limits.maxDetections,
    classes: patch.classes === undefined ? limits.classes : patch.classes,
  };
  checkRatio('score', changed.score);
  checkRatio('iou', changed.iou);
  const { maxDetections } = changed;
  if (!Number.isInteger(maxDetections) || maxDetections < 1 || maxDetections > MAX_DETECTIONS)
    refuseParameter(
      'maxDetections',
      maxDetections,
      `must be a whole number from 1 to ${String(MAX_DETECTIONS)}`,
    );
  for (const name of changed.classes ?? []) {
    if (!labels.includes(name))
      refuseParameter('classes', name, `is not a label of the model; it knows ${labels.join(', ')}`);
  }
  return changed;
}

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
  const { classes, score, maxDetections } = limits;
  const isTracked = trackedFrom !== null;
  return {
    scoreThreshold: isTracked ? Math.min(score, trackedFrom) : score,
    iouThreshold: limits.iou,
    maxDetections: isTracked ? Math.min(MAX_DETECTIONS, maxDetections + LOW_SCORE_ROOM) : maxDetections,
    classFilter:
      classes === null ? null : Uint8Array.from(labels, (label) => (classes.includes(label) ? 1 : 0)),
  };
}

/** Keeps the detections that may be published; they are ordered best first. */
export function cutToLimits(
  detections: Detections,
  { score, maxDetections }: Pick<Limits, 'score' | 'maxDetections'>,
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
