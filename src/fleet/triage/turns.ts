import { GoshawkError } from '../../contract/errors.ts';

/** What takes its turn has a second of CPU each; several are ahead of who comes now. */
const RETRY_SECONDS = 5;

/** Lets so much work run at once, and so much more wait. */
export class Turns {
  readonly #atOnce: number;
  readonly #places: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param places for work that waits */
  constructor(atOnce: number, places: number) {
    this.#atOnce = atOnce;
    this.#places = places;
  }

  /**
   * Does work when it is its turn.
   * @param isFirst it goes before all that waits, and always has a place
   * @throws GoshawkError GOSHAWK_FLEET_BUSY if all places are taken; what `work` throws
   */
  async take<T>(work: () => Promise<T>, isFirst = false): Promise<T> {
    await this.#begin(isFirst);
    try {
      return await work();
    } finally {
      this.#end();
    }
  }

  async #begin(isFirst: boolean): Promise<void> {
    if (this.#running < this.#atOnce) {
      this.#running += 1;
      return;
    }
    if (!isFirst && this.#waiting.length >= this.#places)
      throw new GoshawkError('GOSHAWK_FLEET_BUSY', { seconds: RETRY_SECONDS });
    await new Promise<void>((go) => (isFirst ? this.#waiting.unshift(go) : this.#waiting.push(go)));
  }

  /** Whoever waits takes the place over. */
  #end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
