import { PATCH_COUNT } from '../frame-block.ts';
import { hasRelief, type ReliefProfile } from './relief.ts';

/** Observations of a third of the time that is looked at. A bus ahead of a car stays for 15 to 20. */
const THIRD = 12;
const SPAN = 3 * THIRD;
/** Observations that a value depends on. */
export const SPECKS_MEMORY = SPAN;
/** Patches that are looked at: the calmest ones of the reference. */
const CALM = PATCH_COUNT / 6;
/** deviations count up to this many, so that one patch does not decide */
const MAX_SIGMAS = 6;
/** gray levels, added to a spread: less is not seen */
const LEAST_SPREAD = 1;

/** Every so many of the other patches is looked at as well, for what stays since the camera hardly moves. */
const OTHERS = 5;

/** Of the mean square this share always counts, so that values differ where the others are off by more. */
const LEAST_SHARE = 0.01;

interface WatchedPatch {
  readonly at: number;
  readonly middle: number;
  readonly perGray: number;
  /** the newest values, and the same in ascending order */
  readonly newest: Float64Array;
  readonly sorted: Float64Array;
  /** medians of a third, as of each of the newest observations */
  readonly medians: Float64Array;
}

/**
 * Follows whether the calmest patches of a context, such as those of the sky or the road, stay off their usual relief.
 * Where the scene is lively, a speck on the lens is lost among what comes and goes. Where it is calm, even a faint one
 * is plain, and what passes there is gone before it was in all three thirds of the time. Where the camera hardly moves,
 * everything stays: then lively patches are off for as long, and what they are does not count.
 */
export class SpecksWatch {
  readonly #calm: readonly WatchedPatch[];
  readonly #others: readonly WatchedPatch[];
  #count = 0;

  constructor({ middle, spread }: ReliefProfile) {
    const watched = (at: number): WatchedPatch => ({
      at,
      middle: middle[at]!,
      perGray: 1 / (spread[at]! + LEAST_SPREAD),
      newest: new Float64Array(THIRD),
      sorted: new Float64Array(THIRD).fill(Infinity),
      medians: new Float64Array(SPAN),
    });
    const places = Array.from(spread.keys()).sort((a, b) => spread[a]! - spread[b]!);
    this.#calm = places.slice(0, CALM).map(watched);
    this.#others = places
      .slice(CALM)
      .filter((_, i) => i % OTHERS === 0)
      .map(watched);
  }

  /** Begins anew. */
  clear(): void {
    this.#count = 0;
    for (const { sorted } of [...this.#calm, ...this.#others]) sorted.fill(Infinity);
  }

  /**
   * @param relief of an observation
   * @returns deviations that stay, the root of their mean square less that of other patches, 0 or more; NaN for the
   * first observations and without a relief
   */
  update(relief: Float64Array): number {
    if (!hasRelief(relief)) return NaN;
    const now = this.#count;
    this.#count += 1;
    const calm = lastingOf(this.#calm, relief, now);
    const others = lastingOf(this.#others, relief, now);
    return this.#count >= SPAN ? Math.sqrt(Math.max(LEAST_SHARE * calm, calm - others)) : NaN;
  }
}

/** The mean square of what is off to the same side in all three thirds, in deviations. */
function lastingOf(patches: readonly WatchedPatch[], relief: Float64Array, now: number): number {
  let sum = 0;
  for (const { at, middle, perGray, newest, sorted, medians } of patches) {
    const value = (relief[at]! - middle) * perGray;
    replace(sorted, now < THIRD ? Infinity : newest[now % THIRD]!, value);
    newest[now % THIRD] = value;
    const median = (sorted[THIRD / 2 - 1]! + sorted[THIRD / 2]!) / 2;
    medians[now % SPAN] = median;
    const lasting = least(median, medians[(now + 2 * THIRD) % SPAN]!, medians[(now + THIRD) % SPAN]!);
    sum += Math.min(MAX_SIGMAS, lasting) ** 2;
  }
  return sum / patches.length;
}

/** The smallest of three deviations to the same side, without its sign; 0 if they are not. */
function least(a: number, b: number, c: number): number {
  if (a > 0 && b > 0 && c > 0) return Math.min(a, b, c);
  return a < 0 && b < 0 && c < 0 ? -Math.max(a, b, c) : 0;
}

/** Takes one number out of an ascending list, and another one in. */
function replace(sorted: Float64Array, out: number, value: number): void {
  let i = 0;
  while (sorted[i]! < out) i += 1;
  for (; i + 1 < sorted.length && sorted[i + 1]! < value; i += 1) sorted[i] = sorted[i + 1]!;
  for (; i > 0 && sorted[i - 1]! > value; i -= 1) sorted[i] = sorted[i - 1]!;
  sorted[i] = value;
}
