import type { Random } from '../../random.ts';

/** Mean length of a block, observations. */
const MEAN_BLOCK = 30;
/** How likely the next block is of any other context. */
const SWITCH = 0.05;

/**
 * Endless indices into pieces of sequences: blocks of random length from random places, so that neighbors stay together
 * (the stationary bootstrap, Politis and Romano 1994), of contexts that change at random.
 */
export class BlockBootstrap {
  /** where the current observation is */
  context = 0;
  index = 0;
  readonly #pieces: readonly (readonly (readonly [start: number, end: number])[])[];
  readonly #random: Random;
  #end = 0;

  /** @param pieces of each context, which blocks do not cross, `[start, end)`; at least one, none empty */
  constructor(pieces: readonly (readonly (readonly [start: number, end: number])[])[], random: Random) {
    this.#pieces = pieces;
    this.#random = random;
    this.#begin();
  }

  next(): void {
    this.index += 1;
    if (this.index >= this.#end || this.#random.chance(1 / MEAN_BLOCK)) this.#begin();
  }

  #begin(): void {
    const random = this.#random;
    if (random.chance(SWITCH)) this.context = random.int(0, this.#pieces.length - 1);
    const pieces = this.#pieces[this.context]!;
    const [start, end] = pieces[random.int(0, pieces.length - 1)]!;
    this.index = random.int(start, end - 1);
    this.#end = end;
  }
}
