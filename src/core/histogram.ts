/** Percentiles of the recorded values, in their unit; all zero if nothing was recorded. */
export interface HistogramSummary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface HistogramRange {
  /** values below it share one bucket, > 0 */
  readonly lowest: number;
  /** values above it share one bucket */
  readonly highest: number;
  /** bound of |reported - true| / true for percentiles within the range, 0..1 exclusive */
  readonly relativeError: number;
}

/** Milliseconds from 1 us to 1000 s within 1 %: 1037 buckets, 8 KB. */
export const LATENCY_RANGE: HistogramRange = { lowest: 0.001, highest: 1e6, relativeError: 0.01 };

/**
 * Counts of values >= 0 in buckets whose edges grow by the constant factor g = (1 + e) / (1 - e), e the
 * relative error; a bucket [a, a g) is reported as 2 a g / (1 + g), which is within e of each value in it
 * (the mapping of DDSketch, Masson et al. 2019). Edges depend on the range alone, so histograms of different
 * times, cameras and robots merge exactly. Recording allocates nothing.
 */
export class Histogram {
  readonly range: HistogramRange;
  /** below the range, the buckets within, above the range */
  readonly #counts: Float64Array;
  readonly #growth: number;
  readonly #perLog: number;
  #count = 0;
  #min = Infinity;
  #max = 0;

  constructor(range: HistogramRange = LATENCY_RANGE) {
    const { lowest, highest, relativeError } = range;
    if (!(lowest > 0 && highest > lowest && relativeError > 0 && relativeError < 1)) {
      throw new RangeError(
        'a histogram needs 0 < lowest < highest and a relative error between 0 and 1, both exclusive',
      );
    }
    this.range = range;
    this.#growth = (1 + relativeError) / (1 - relativeError);
    this.#perLog = 1 / Math.log(this.#growth);
    this.#counts = new Float64Array(Math.ceil(Math.log(highest / lowest) * this.#perLog) + 2);
  }

  get count(): number {
    return this.#count;
  }

  /** The largest value recorded, exact; 0 if nothing was recorded. */
  get max(): number {
    return this.#max;
  }

  /** Adds a value. Returns false for NaN and values below 0 (a clock that went back), which are ignored. */
  record(value: number): boolean {
    if (!(value >= 0 && value < Infinity)) return false;
    const bucket = 1 + Math.floor(Math.log(value / this.range.lowest) * this.#perLog);
    this.#counts[Math.min(this.#counts.length - 1, Math.max(0, bucket))]! += 1;
    this.#count += 1;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    return true;
  }

  /**
   * Adds everything that `other` recorded. Throws if its range differs, because the buckets would not match.
   */
  merge(other: Histogram): void {
    const { lowest, highest, relativeError } = other.range;
    const own = this.range;
    if (own.lowest !== lowest || own.highest !== highest || own.relativeError !== relativeError) {
      throw new RangeError('histograms of different ranges cannot be merged');
    }
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i]! += other.#counts[i]!;
    this.#count += other.#count;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /**
   * The value at rank floor(count * share) of the sorted values (MLPerf LoadGen's definition), within the
   * relative error; exact for the largest and the smallest value. Values outside the range are reported as
   * the exact minimum or maximum.
   *
   * @param share 0..1
   */
  percentile(share: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.min(this.#count - 1, Math.floor(this.#count * share));
    if (rank === this.#count - 1) return this.#max;
    let seen = 0;
    let bucket = 0;
    while (bucket < this.#counts.length - 1) {
      seen += this.#counts[bucket]!;
      if (seen > rank) break;
      bucket++;
    }
    if (bucket === 0) return this.#min;
    if (bucket === this.#counts.length - 1) return this.#max;
    const upper = this.range.lowest * this.#growth ** bucket;
    return Math.min(this.#max, Math.max(this.#min, (2 * upper) / (1 + this.#growth)));
  }

  summary(): HistogramSummary {
    return {
      count: this.#count,
      p50: this.percentile(0.5),
      p90: this.percentile(0.9),
      p99: this.percentile(0.99),
      p999: this.percentile(0.999),
      max: this.#max,
    };
  }

  /** Clears everything for the next window. */
  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#min = Infinity;
    this.#max = 0;
  }

  /** Occupied buckets as [index, count] pairs, for merging elsewhere. */
  buckets(): [number, number][] {
    const occupied: [number, number][] = [];
    for (let i = 0; i < this.#counts.length; i++) {
      const count = this.#counts[i]!;
      if (count > 0) occupied.push([i, count]);
    }
    return occupied;
  }
}
