/**
 * Kinds of steps, each of about one length within a run: a candidate in float, one in int8, one whose ranges
 * are collected anew after equalization, one whose biases are corrected; the sensitivity of all layers; and
 * the final figures.
 */
export const STEP_KINDS = ['float', 'int8', 'equalized', 'corrected', 'sensitivity', 'final'] as const;

export type StepKind = (typeof STEP_KINDS)[number];

/** How many steps of each kind are expected; parts of one where they may not come. */
export type Steps = Readonly<Partial<Record<StepKind, number>>>;

/**
 * How long steps take beside a candidate in int8, until one of the kind was seen: YOLOX-nano and
 * goshawk-street, about the middle of both.
 */
const USUAL: Readonly<Record<StepKind, number>> = {
  float: 0.8,
  int8: 1,
  equalized: 1.8,
  corrected: 6,
  sensitivity: 5,
  final: 6,
};

/** Tells from the steps that are over how long those to come will take. */
export class Forecast {
  readonly #seen = new Map<StepKind, { count: number; seconds: number }>();

  /** Notes a step that was done; one that an earlier run had done says nothing. */
  note(kind: StepKind, seconds: number): void {
    const { count, seconds: total } = this.#seen.get(kind) ?? { count: 0, seconds: 0 };
    this.#seen.set(kind, { count: count + 1, seconds: total + seconds });
  }

  /** Seconds that a step of the kind takes; null while no step of any kind is over. */
  costOf(kind: StepKind): number | null {
    const own = this.#seen.get(kind);
    if (own !== undefined) return own.seconds / own.count;
    let seconds = 0;
    let units = 0;
    for (const [other, seen] of this.#seen) {
      seconds += seen.seconds;
      units += USUAL[other] * seen.count;
    }
    return units === 0 ? null : (seconds / units) * USUAL[kind];
  }

  /** Seconds that the steps take together; null while no step of any kind is over. */
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
