/**
 * Ridge regression through the origin (Hoerl and Kennard 1970): the w that minimizes
 * |X w - y|^2 + penalty * n * |S w|^2, with S the diagonal of the root mean squares of the columns, so
 * that units do not matter. Kept are the sums that it follows from: rows add up, and a regression on some of the
 * columns needs no second pass over them.
 */
export class Regression {
  readonly #columns: number;
  /** X'X, row by row, and X'y */
  readonly #products: Float64Array;
  readonly #targets: Float64Array;
  /** a lower triangle, and what forward substitution leaves; for the columns of the last `solve` */
  readonly #lower: Float64Array;
  readonly #forward: Float64Array;

  constructor(columns: number) {
    this.#columns = columns;
    this.#products = new Float64Array(columns ** 2);
    this.#targets = new Float64Array(columns);
    this.#lower = new Float64Array(columns ** 2);
    this.#forward = new Float64Array(columns);
  }

  /** @param row a value for each column */
  add(row: ArrayLike<number>, target: number): void {
    for (let i = 0; i < this.#columns; i++) {
      this.#targets[i]! += row[i]! * target;
      for (let j = 0; j < this.#columns; j++) this.#products[i * this.#columns + j]! += row[i]! * row[j]!;
    }
  }

  /** The rows of another regression on the same columns. */
  addAll(other: Regression): void {
    other.#products.forEach((sum, i) => (this.#products[i]! += sum));
    other.#targets.forEach((sum, i) => (this.#targets[i]! += sum));
  }

  /**
   * The weights of some columns, as if there were no others. A column of zeros gets none.
   * @param into takes a weight for each of `columns` @param penalty > 0
   */
  solve(columns: ArrayLike<number>, penalty: number, into: Float64Array): void {
    this.#decompose(columns, penalty);
    const n = columns.length;
    for (let i = n - 1; i >= 0; i--) {
      let rest = this.#forward[i]!;
      for (let k = i + 1; k < n; k++) rest -= this.#lower[k * n + i]! * into[k]!;
      into[i] = rest / this.#lower[i * n + i]!;
    }
  }

  /** Cholesky's decomposition of X'X with the penalty. */
  #decompose(columns: ArrayLike<number>, penalty: number): void {
    const [lower, forward, n] = [this.#lower, this.#forward, columns.length];
    for (let i = 0; i < n; i++) {
      const row = columns[i]! * this.#columns;
      for (let j = 0; j <= i; j++) {
        let rest = this.#products[row + columns[j]!]!;
        if (i === j) rest = Math.max(Number.MIN_VALUE, rest * (1 + penalty));
        for (let k = 0; k < j; k++) rest -= lower[i * n + k]! * lower[j * n + k]!;
        lower[i * n + j] = i === j ? Math.sqrt(rest) : rest / lower[j * n + j]!;
      }
      let rest = this.#targets[columns[i]!]!;
      for (let k = 0; k < i; k++) rest -= lower[i * n + k]! * forward[k]!;
      forward[i] = rest / lower[i * n + i]!;
    }
  }
}
