/**
 * Functions built from IEEE 754 basic operations only. Math.sin, Math.exp and Math.pow may differ in the last
 * bit between processors and V8 versions, which would change pixels; +, -, *, / and Math.sqrt may not.
 */
const TURN = 6.283185307179586;
/** Angles in radians. */
export const HALF_TURN = TURN / 2;
export const QUARTER_TURN = TURN / 4;

/** Sine of an angle in radians; error below 1e-7 for |angle| < 1e6. */
export function sine(angle: number): number {
  let x = angle - TURN * Math.floor(angle / TURN + 0.5);
  if (x > TURN / 4) x = TURN / 2 - x;
  else if (x < -TURN / 4) x = -TURN / 2 - x;
  const s = x * x;
  return x * (1 - (s / 6) * (1 - (s / 20) * (1 - (s / 42) * (1 - (s / 72) * (1 - s / 110)))));
}

/** Cosine of an angle in radians; same error as `sine`. */
export function cosine(angle: number): number {
  return sine(angle + TURN / 4);
}

/** Decays from 1 towards 0 for x >= 0, close to exp(-x) (third-order reciprocal). */
export function decay(x: number): number {
  return 1 / (1 + x * (1 + x * (0.5 + x * (1 / 6))));
}

/** Remainder with the sign of the divisor: 0 <= wrap(x, n) < n for n > 0. */
export function wrap(x: number, period: number): number {
  return x - period * Math.floor(x / period);
}

export function clamp(x: number, low: number, high: number): number {
  return x < low ? low : x > high ? high : x;
}
