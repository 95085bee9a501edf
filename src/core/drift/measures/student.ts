import { logGamma } from './gamma.ts';

const MAX_TERMS = 500;
const TINY = 1e-300;
const PRECISION = 1e-12;

/** The probability that a Student variable is as far from 0 as `t`, on either side. @param degrees above 0 */
export function studentTails(t: number, degrees: number): number {
  return incompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t));
}

/** The regularized incomplete beta function I_x(a, b), by its continued fraction (Lentz). */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // the fraction converges quickly below this
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const front = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  return (Math.exp(front) * betaFraction(a, b, x)) / a;
}

function betaFraction(a: number, b: number, x: number): number {
  const step = (term: number, d: number): number => 1 / (1 + term * d || TINY);
  let c = 1;
  let d = step((-(a + b) * x) / (a + 1), 1);
  let h = d;
  for (let m = 1; m < MAX_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = step(even, d);
    c = 1 + even / c || TINY;
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = step(odd, d);
    c = 1 + odd / c || TINY;
    h *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return h;
}
