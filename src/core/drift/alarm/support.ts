import { studentTails } from '../measures/student.ts';
import { SPECKS_MEMORY } from '../observe/specks-watch.ts';

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
  /**
   * Of values from 0 on, most of which are small: their logarithms count as well. A few of them are many times the
   * others in good times too, which the deviation of the values themselves does not expect.
   */
  readonly isSkewed?: true;
  /** at most so many degrees of freedom: what is far off is more frequent than that few places would tell */
  readonly degrees?: number;
  /** observations before, which a value depends on as well: means that follow each other share them */
  readonly memory?: number;
}

const ANY: SupportRule = { lengths: LENGTHS, least: MIN_SPREAD };
/**
 * Of the balance of colors: most places are gray, and the one red front among them is many times as far off as the
 * others, before a slow camera for minutes. Broken colors are farther off than that.
 */
export const COLOR: SupportRule = { ...ANY, degrees: 5 };
/**
 * Of what is said to stay where it is, such as dirt: a bus ahead stays for many seconds as well, so short means say
 * nothing.
 */
export const LASTING: SupportRule = { lengths: [LONGEST], least: MIN_SPREAD };
/** Of `pattern`, which is said to stay as well. */
export const PATTERN: SupportRule = { ...LASTING, isSkewed: true };
/** Of `specks`, which is of half a minute already, and depends on the values before as long. */
export const SPECKS: SupportRule = { lengths: [25], least: 0.03, memory: SPECKS_MEMORY };

interface Spread {
  readonly mean: number;
  readonly deviation: number;
  /** of freedom: independent means, less one; means that follow each other are not */
  readonly degrees: number;
}

/** How the means of `length` observations of a feature vary in a context. */
export interface BlockSpread extends Spread {
  readonly length: number;
  /** how log(1 + mean / unit) varies, of values that are skewed */
  readonly logarithms?: Spread & { readonly unit: number };
}

/**
 * @param values one feature of a context in order, NaN for what was not measured; parts of it may lie apart in time
 */
export function blockSpreads(values: readonly number[], rule: SupportRule = ANY): BlockSpread[] {
  return rule.lengths.map((length) => {
    const means = meansOf(values, length);
    const own = spreadOf(means, rule.least);
    const share = length / (length + (rule.memory ?? 0));
    const degrees = Math.min(rule.degrees ?? Infinity, Math.max(MIN_DEGREES, share * own.degrees));
    const spread = { length, ...own, degrees };
    if (rule.isSkewed !== true) return spread;
    const unit = Math.max(rule.least, spread.mean);
    const logarithms = means.map((mean) => logarithmOf(mean, unit));
    return { ...spread, logarithms: { unit, ...spreadOf(logarithms, MIN_SPREAD) } };
  });
}

const logarithmOf = (mean: number, unit: number): number => Math.log1p(Math.max(0, mean) / unit);

function spreadOf(blocks: readonly number[], least: number): Spread {
  const measured = blocks.filter((one) => !Number.isNaN(one));
  const mean = measured.reduce((sum, one) => sum + one, 0) / Math.max(1, measured.length);
  const squares = measured.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return {
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

  #supportOf(spread: BlockSpread): number {
    const { length, logarithms } = spread;
    const count = Math.min(this.#count, length);
    let sum = 0;
    for (let i = 1; i <= count; i++) sum += this.#values[(this.#count - i) % LONGEST]!;
    const share = count / length;
    const tails = count === 0 ? 1 : tailsOf(sum / count, spread, share);
    if (count === 0 || logarithms === undefined) return length / tails;
    return length / Math.max(tails, tailsOf(logarithmOf(sum / count, logarithms.unit), logarithms, share));
  }
}

/** How seldom a mean is as far off, above 0. @param share of the observations that make a mean */
function tailsOf(value: number, { mean, deviation, degrees }: Spread, share: number): number {
  // fewer observations vary more, if they are independent
  const scale = Math.sqrt(share) / Math.sqrt(1 + 1 / (degrees + 1));
  return Math.max(Number.MIN_VALUE, studentTails(((value - mean) / deviation) * scale, degrees));
}
