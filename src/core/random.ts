/**
 * A seeded random number generator. The same seed yields the same sequence on every machine and Node version,
 * because only 32-bit integer arithmetic is used (the generator is "sfc32", seeds are mixed with a
 * murmur-style finalizer).
 */
export interface Random {
  /** uniform in [0, 1) */
  next(): number;
  /** uniform in [low, high) */
  range(low: number, high: number): number;
  /** uniform integer, low <= n <= high */
  int(low: number, high: number): number;
  /** true with the given probability, 0..1 */
  chance(probability: number): boolean;
  /** one entry of a non-empty list */
  pick<T>(list: readonly [T, ...T[]]): T;
  /** bell-shaped around 0 with standard deviation 1, within -6..6 (sum of twelve uniforms) */
  bell(): number;
}

function finalize(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Mixes integers into one 32-bit seed; order matters. Numbers above 2^32 count with all 53 bits. For a fixed
 * first number and a list of two, distinct 32-bit second numbers give distinct seeds (each step is a
 * bijection).
 */
export function mixSeeds(...parts: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const part of parts) {
    const high = Math.floor(part / 0x1_0000_0000) | 0;
    h = finalize(Math.imul(h, 0x01000193) ^ (part | 0));
    if (high !== 0) h = finalize(h ^ Math.imul(high, 0x27d4eb2f));
  }
  return h;
}

/**
 * Seeds are safe integers >= 0. Each step of the generator is a bijection of its state, so distinct seeds
 * never meet.
 */
export function createRandom(seed: number): Random {
  let a = seed | 0;
  let b = Math.floor(seed / 0x1_0000_0000) | 0;
  let c = 0x2545f491;
  let d = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 16; i += 1) next();
  return {
    next,
    range: (low, high) => low + (high - low) * next(),
    int: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    pick: (list) => list[Math.floor(next() * list.length)] ?? list[0],
    bell: () => {
      let sum = -6;
      for (let i = 0; i < 12; i += 1) sum += next();
      return sum;
    },
  };
}
