/** From the quarter of the differences to the standard deviation of a normal distribution. */
const TO_DEVIATION = 2.2219;
/** By number of values: what brings the mean of the estimate to the standard deviation; beyond, a formula. */
const SMALL: readonly number[] = [0, 0, 0.399, 0.994, 0.512, 0.844, 0.611, 0.857, 0.669, 0.872];

/**
 * Robust standard deviation: Qn of Rousseeuw and Croux 1993, about the lower quartile of the differences of all pairs.
 * Outliers that are fewer than half do not carry it away, and it needs a third as many values as the median absolute
 * deviation for the same certainty. 0 for fewer than two values; time grows with the square of their number.
 */
export function pairScale(values: readonly number[]): number {
  const count = values.length;
  if (count < 2) return 0;
  const differences = new Float64Array((count * (count - 1)) / 2);
  let at = 0;
  for (let one = 1; one < count; one += 1)
    for (let other = 0; other < one; other += 1) {
      differences[at] = Math.abs(values[one]! - values[other]!);
      at += 1;
    }
  const half = Math.floor(count / 2) + 1;
  return TO_DEVIATION * smallSample(count) * differences.sort()[(half * (half - 1)) / 2 - 1]!;
}

function smallSample(count: number): number {
  return SMALL[count] ?? count / (count + (count % 2 === 1 ? 1.4 : 3.8));
}
