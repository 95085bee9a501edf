import { median } from '../../core/median.ts';

/**
 * Kinds of steps. Within a run, steps of a kind take about the same time: a candidate in float, one in int8,
 * one whose ranges are collected again after equalization, one whose biases are corrected; the sensitivity of
 * all layers; and the final measurements.
 */
export const STEP_KINDS = ['float', 'int8', 'equalized', 'corrected', 'sensitivity', 'final'] as const;

export type StepKind = (typeof STEP_KINDS)[number];

/** How many steps of each kind are expected; fractions for steps that may not happen. */
export type Steps = Readonly<Partial<Record<StepKind, number>>>;

/**
 * Duration of steps relative to an int8 candidate, until one of the kind was seen: about the mean of
 * YOLOX-nano and goshawk-street.
 */
const USUAL: Readonly<Record<StepKind, number>> = {
  float: 0.8,
  int8: 1,
  equalized: 1.8,
  corrected: 6,
  sensitivity: 5,
  final: 6,
};

/** Predicts the duration of coming steps from finished ones: the median of their kind, which no slow step moves. */
export class Forecast {
  readonly #seen = new Map<StepKind, number[]>();

  /** Records the duration of a step. Steps reused from an earlier run must not be recorded. */
  note(kind: StepKind, seconds: number): void {
    const seen = this.#seen.get(kind);
    if (seen === undefined) this.#seen.set(kind, [seconds]);
    else seen.push(seconds);
  }

  /** Expected seconds for a step of the kind; null before any step has finished. */
  costOf(kind: StepKind): number | null {
    const own = this.#seen.get(kind);
    if (own !== undefined) return median(own);
    let seconds = 0;
    let units = 0;
    for (const [other, seen] of this.#seen) {
      seconds += median(seen) * seen.length;
      units += USUAL[other] * seen.length;
    }
    return units === 0 ? null : (seconds / units) * USUAL[kind];
  }

  /** Expected seconds for all steps together; null before any step has finished. */
  costOfAll(steps: Steps): number | null {
    let total = 0;
    for (const kind of STEP_KINDS) {
      const cost = this.costOf(kind);
      if (cost === null) return null;
      total += cost * (steps[kind] ?? 0);
    }
    return total;
  }
}
