/** An inclusive range of numbers. */
export type NumberRange = readonly [first: number, last: number];

/**
 * A set of whole numbers from 0, kept as disjoint ascending ranges that do not touch: what a ledger knows of the
 * numbers of one stream in one boot. Each operation takes time in the number of ranges, not of numbers.
 */
export class NumberSet {
  #ranges: [number, number][] = [];

  static of(ranges: Iterable<NumberRange>): NumberSet {
    const set = new NumberSet();
    set.addAll(ranges);
    return set;
  }

  /** Adds the numbers from `first` to `last`, both included; none if `last` is below `first`. */
  add(first: number, last = first): void {
    if (last < first) return;
    const from = this.#firstEndingAt(first - 1);
    let to = from;
    let low = first;
    let high = last;
    for (
      let range = this.#ranges[to];
      range !== undefined && range[0] <= last + 1;
      range = this.#ranges[to]
    ) {
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
      to += 1;
    }
    this.#ranges.splice(from, to - from, [low, high]);
  }

  /** Removes the numbers from `first` to `last`. */
  remove(first: number, last = first): void {
    if (last < first) return;
    const from = this.#firstEndingAt(first);
    let to = from;
    const left: [number, number][] = [];
    for (let range = this.#ranges[to]; range !== undefined && range[0] <= last; range = this.#ranges[to]) {
      if (range[0] < first) left.push([range[0], first - 1]);
      if (range[1] > last) left.push([last + 1, range[1]]);
      to += 1;
    }
    this.#ranges.splice(from, to - from, ...left);
  }

  addAll(ranges: Iterable<NumberRange>): void {
    for (const [first, last] of ranges) this.add(first, last);
  }

  has(number: number): boolean {
    const range = this.#ranges[this.#firstEndingAt(number)];
    return range !== undefined && range[0] <= number;
  }

  /** The numbers from `first` to `last` that are not in the set. */
  missing(first: number, last: number): NumberSet {
    const missing = NumberSet.of([[first, last]]);
    for (const [low, high] of this.#ranges) missing.remove(low, high);
    return missing;
  }

  /** Ascending, disjoint, none touching another. */
  ranges(): readonly NumberRange[] {
    return this.#ranges.map(([first, last]) => [first, last]);
  }

  /** How many numbers are in the set. */
  get size(): number {
    return this.#ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  /** Index of the first range that ends at `number` or above. */
  #firstEndingAt(number: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const range = this.#ranges[middle];
      if (range !== undefined && range[1] < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
