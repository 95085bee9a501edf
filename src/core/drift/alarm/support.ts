import { studentTails } from '../measures/student.ts';

/** Observations whose means are compared: what is far off shows in the short ones, what lasts in the long ones. */
const LONGEST = 50;
const LENGTHS: readonly number[] = [10, LONGEST];
/** With fewer independent means, a deviation of theirs is unknown. */
const MIN_DEGREES = 2;
/** Of a deviation, so that what never varied has one. */
const MIN_SPREAD = 1e-9;

/** What may support the evidence of a feature. */
export interface SupportRule {
  /** of the means, at most 50 observations */
  readonly lengths: readonly number[];
  /** least deviation of means: what is off by less than a few of it is no drift, however seldom it is */
  readonly least: number;
}

const ANY: SupportRule = { lengths: LENGTHS, least: MIN_SPREAD };
/**
 * Of what is said to stay where it is, such as dirt: a bus ahead stays for many seconds as well, so short means say
 * nothing.
 */
export const LASTING: SupportRule = { lengths: [LONGEST], least: MIN_SPREAD };
/** Of `stuck`, which is of half a minute already, and depends on the values before as long. */
export const STUCK: SupportRule = { lengths: [25], least: 0.03 };

/** How the means of `length` observations of a feature vary in a context. */
export interface BlockSpread {
  readonly length: number;
  readonly mean: number;
  readonly deviation: number;
  /** of freedom: independent means, less one; means that follow each other are not */
  readonly degrees: number;
}

/**
 * @param values one feature of a context in order, NaN for what was not measured; parts of it may lie apart in time
 */
export function blockSpreads(values: readonly number[], { lengths, least } = ANY): BlockSpread[] {
  return lengths.map((length) => spreadOf(meansOf(values, length), length, least));
}

function spreadOf(blocks: readonly number[], length: number, least: number): BlockSpread {
  const measured = blocks.filter((one) => !Number.isNaN(one));
  const mean = measured.reduce((sum, one) => sum + one, 0) / Math.max(1, measured.length);
  const squares = measured.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return {
    length,
    mean,
    deviation: Math.max(least, Math.sqrt(squares / Math.max(1, measured.length - 1))),
    degrees: Math.max(MIN_DEGREES, independentOf(blocks, mean) - 1),
  };
}

/** Means of whole pieces of this length; NaN if less than half of one was measured. */
function meansOf(values: readonly number[], length: number): number[] {
  return Array.from({ length: Math.floor(values.length / length) }, (_, i) => {
    const measured = values.slice(i * length, (i + 1) * length).filter((value) => !Number.isNaN(value));
    if (2 * measured.length < length) return NaN;
    return measured.reduce((sum, value) => sum + value, 0) / measured.length;
  });
}

/** As many independent values have a mean as precise as that of these, which depend on the one before (Bayley 1946). */
function independentOf(values: readonly number[], mean: number): number {
  let [products, squares, count] = [0, 0, 0];
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    count += 1;
    squares += (value - mean) ** 2;
    const before = i > 0 ? values[i - 1]! : NaN;
    if (!Number.isNaN(before)) products += (value - mean) * (before - mean);
  });
  const correlation = squares > 0 ? Math.max(0, Math.min(0.99, products / squares)) : 0;
  return (count * (1 - correlation)) / (1 + correlation);
}

/** The newest values of a feature. */
export class NewestValues {
  readonly #values = new Float64Array(LONGEST);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count % LONGEST] = value;
    this.#count += 1;
  }

  clear(): void {
    this.#count = 0;
  }

  /**
   * The most evidence that the reference supports: how seldom a mean of independent observations like its own, of which
   * it has few, is as far off (Student). A place that a slow camera has not seen stays in view, and is one observation.
   */
  support(spreads: readonly BlockSpread[]): number {
    return spreads.reduce((most, spread) => Math.max(most, this.#supportOf(spread)), 0);
  }

  #supportOf({ length, mean, deviation, degrees }: BlockSpread): number {
    const count = Math.min(this.#count, length);
    let sum = 0;
    for (let i = 1; i <= count; i++) sum += this.#values[(this.#count - i) % LONGEST]!;
    // fewer vary more, if they are independent
    const scale = Math.sqrt(count / length) / Math.sqrt(1 + 1 / (degrees + 1));
    const t = count === 0 ? 0 : ((sum / count - mean) / deviation) * scale;
    return length / Math.max(Number.MIN_VALUE, studentTails(t, degrees));
  }
}
