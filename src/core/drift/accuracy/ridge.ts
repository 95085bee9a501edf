/**
 * Ridge regression through the origin (Hoerl and Kennard 1970): the w that minimizes
 * |X w - y|^2 + penalty * n * |S w|^2, with S the diagonal of the root mean squares of the columns, so
 * that units do not matter.
 * @param rows n >= 1 rows of the same length @param penalty > 0
 */
export function ridge(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  penalty: number,
): number[] {
  const columns = rows[0]?.length ?? 0;
  const scales = Array.from({ length: columns }, (_, j) =>
    Math.max(1e-12, Math.sqrt(rows.reduce((sum, row) => sum + row[j]! ** 2, 0) / rows.length)),
  );
  const matrix = Array.from({ length: columns }, (_, i) =>
    Array.from({ length: columns }, (_, j) => {
      const product = rows.reduce((sum, row) => sum + (row[i]! / scales[i]!) * (row[j]! / scales[j]!), 0);
      return product / rows.length + (i === j ? penalty : 0);
    }),
  );
  const right = Array.from(
    { length: columns },
    (_, i) => rows.reduce((sum, row, n) => sum + (row[i]! / scales[i]!) * targets[n]!, 0) / rows.length,
  );
  return solve(matrix, right).map((weight, i) => weight / scales[i]!);
}

/** Solves a symmetric positive definite system by Cholesky's decomposition. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const n = right.length;
  const lower: number[][] = [];
  const forward: number[] = [];
  for (let i = 0; i < n; i++) {
    const row: number[] = [];
    lower.push(row);
    for (let j = 0; j <= i; j++) {
      const rest = matrix[i]![j]! - dot(row, lower[j]!, j);
      row.push(i === j ? Math.sqrt(rest) : rest / lower[j]![j]!);
    }
    forward.push((right[i]! - dot(row, forward, i)) / row[i]!);
  }
  const solution = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let rest = forward[i]!;
    for (let k = i + 1; k < n; k++) rest -= lower[k]![i]! * solution[k]!;
    solution[i] = rest / lower[i]![i]!;
  }
  return solution;
}

function dot(one: readonly number[], other: readonly number[], count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += one[k]! * other[k]!;
  return sum;
}
