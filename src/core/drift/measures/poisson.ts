import { upperGamma } from './gamma.ts';

/** Of a two-sided interval of 95 %. */
const TAIL = 0.025;
const HALVINGS = 60;

/** The exact interval of 95 % for the mean of a Poisson count (Garwood 1936). @param count 0 or more */
export function poissonInterval(count: number): readonly [low: number, high: number] {
  // P(X <= n) of the mean m is Q(n + 1, m)
  const low = count === 0 ? 0 : meanWith(count, 1 - TAIL);
  return [low, meanWith(count + 1, TAIL)];
}

/** The mean at which Q(a, mean), which falls, is `share`. */
function meanWith(a: number, share: number): number {
  let [low, high] = [0, 10 * a + 10];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (upperGamma(a, middle) > share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
