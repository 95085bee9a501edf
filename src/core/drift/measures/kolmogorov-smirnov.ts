/** Result of a two-sample Kolmogorov-Smirnov test. */
export interface KsResult {
  /** largest distance of the two empirical distribution functions, 0..1 */
  readonly distance: number;
  /** two-sided; of samples whose values are independent, which frames of a camera are not */
  readonly p: number;
}

/** Up to this product of sizes p is exact (about 5 ms); above it the limiting distribution is used. */
const MAX_EXACT = 1_000_000;
/** Terms of the limiting distribution; the next one is below 1e-16 from a distance of 0.2 / sqrt(n) on. */
const TERMS = 100;

/**
 * Two-sample Kolmogorov-Smirnov, two-sided. p is exact for small samples without ties (as `ks_2samp(method='exact')`
 * of SciPy) and the Kolmogorov limit for large ones.
 * @param one at least one value, none NaN; as `other`
 */
export function kolmogorovSmirnov(one: ArrayLike<number>, other: ArrayLike<number>): KsResult {
  const distance = distanceOf(Float64Array.from(one).sort(), Float64Array.from(other).sort());
  const [m, n] = [one.length, other.length];
  return { distance, p: m * n <= MAX_EXACT ? exactP(m, n, distance) : limitP(m, n, distance) };
}

function distanceOf(one: Float64Array, other: Float64Array): number {
  let [i, j, most] = [0, 0, 0];
  while (i < one.length && j < other.length) {
    const value = Math.min(one[i]!, other[j]!);
    while (i < one.length && one[i]! <= value) i++;
    while (j < other.length && other[j]! <= value) j++;
    most = Math.max(most, Math.abs(i / one.length - j / other.length));
  }
  return most;
}

/**
 * The share of all orders of m + n values in which the distance is reached somewhere: a walk over the lattice in which
 * each order is equally likely (Hodges 1957). What leaves the band is summed, so small p keep their precision.
 */
function exactP(m: number, n: number, distance: number): number {
  // distances are multiples of 1 / (m n)
  const bound = Math.round(distance * m * n);
  if (bound === 0) return 1;
  const row = new Float64Array(n + 1);
  let outside = 0;
  row[0] = 1;
  for (let i = 0; i <= m; i++) {
    for (let j = 0; j <= n; j++) {
      const left = m + n - i - j + 1;
      const fromAbove = i > 0 ? (row[j]! * (m - i + 1)) / left : 0;
      const fromLeft = j > 0 ? (row[j - 1]! * (n - j + 1)) / left : 0;
      const arrived = i === 0 && j === 0 ? 1 : fromAbove + fromLeft;
      const isOutside = Math.abs(i * n - j * m) >= bound;
      if (isOutside) outside += arrived;
      row[j] = isOutside ? 0 : arrived;
    }
  }
  return Math.min(1, outside);
}

/** The limit for large samples: 2 times the sum of (-1)^(k-1) exp(-2 k^2 z^2). */
function limitP(m: number, n: number, distance: number): number {
  const z = distance * Math.sqrt((m * n) / (m + n));
  if (z < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= TERMS; k++) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * z * z);
  return Math.min(1, Math.max(0, 2 * sum));
}
