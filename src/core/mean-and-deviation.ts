/** Mean and standard deviation (divided by the number) of at least one value. */
export function meanAndDeviation(values: readonly number[] | Float64Array): {
  readonly mean: number;
  readonly deviation: number;
} {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / values.length) };
}
