import { upperGamma } from './gamma.ts';

export interface ChiSquared {
  readonly statistic: number;
  readonly degrees: number;
  /** of counts that are independent of each other */
  readonly p: number;
}

/**
 * Pearson's test that two rows of counts have the same shares, without a correction; columns without a count are left
 * out.
 * @param one at least one count above 0; as `other`, of the same length
 */
export function chiSquared(one: readonly number[], other: readonly number[]): ChiSquared {
  const a = one.reduce((sum, count) => sum + count, 0);
  const b = other.reduce((sum, count) => sum + count, 0);
  let [statistic, columns] = [0, 0];
  one.forEach((count, i) => {
    const both = count + other[i]!;
    if (both === 0) return;
    const expected = (both * a) / (a + b);
    statistic +=
      (count - expected) ** 2 / expected + (other[i]! - (both - expected)) ** 2 / (both - expected);
    columns += 1;
  });
  const degrees = Math.max(0, columns - 1);
  return { statistic, degrees, p: degrees === 0 ? 1 : upperGamma(degrees / 2, statistic / 2) };
}
