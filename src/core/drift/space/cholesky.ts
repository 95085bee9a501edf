/** A lower triangular matrix, row by row. */
export type Triangle = readonly Float64Array[];

/**
 * The lower triangle L with L L' = A.
 * @param matrix symmetric, positive definite
 */
export function cholesky(matrix: readonly ArrayLike<number>[]): Triangle {
  const lower = matrix.map((_, i) => new Float64Array(i + 1));
  for (let i = 0; i < matrix.length; i++)
    for (let j = 0; j <= i; j++) {
      const rest = matrix[i]![j]! - dot(lower[i]!, lower[j]!, j);
      lower[i]![j] = i === j ? Math.sqrt(rest) : rest / lower[j]![j]!;
    }
  return lower;
}

/** x with A x = b, for the triangle of A. */
export function solve(lower: Triangle, b: ArrayLike<number>): Float64Array {
  const x = Float64Array.from(b);
  for (let i = 0; i < x.length; i++) x[i] = (x[i]! - dot(lower[i]!, x, i)) / lower[i]![i]!;
  for (let i = x.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < x.length; k++) x[i]! -= lower[k]![i]! * x[k]!;
    x[i]! /= lower[i]![i]!;
  }
  return x;
}

/** The sum of products of the first `count` numbers. */
export function dot(one: ArrayLike<number>, other: ArrayLike<number>, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += one[i]! * other[i]!;
  return sum;
}
