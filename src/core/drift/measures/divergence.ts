/** Keeps an empty bin from making the index infinite, as is customary. */
const FLOOR = 1e-4;

/**
 * Population stability index: the sum of (p - q) ln(p / q), shares below 0.0001 counting as that much.
 * @param p shares of the same bins, which add up to 1; as `q`
 */
export function populationStability(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, share, i) => {
    const a = Math.max(FLOOR, share);
    const b = Math.max(FLOOR, q[i]!);
    return sum + (a - b) * Math.log(a / b);
  }, 0);
}

/** Jensen-Shannon distance to base 2, the root of the divergence: 0 for equal shares, 1 for shares without overlap. */
export function jensenShannon(p: readonly number[], q: readonly number[]): number {
  const relative = (x: number, mean: number): number => (x > 0 ? x * Math.log2(x / mean) : 0);
  const divergence = p.reduce((sum, share, i) => {
    const mean = (share + q[i]!) / 2;
    return sum + (relative(share, mean) + relative(q[i]!, mean)) / 2;
  }, 0);
  return Math.sqrt(Math.max(0, divergence));
}
