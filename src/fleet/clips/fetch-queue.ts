import type { ClipFetch } from './clip-fetch.ts';

/** The clips of one robot that are to be fetched, one after another: it sends one at a time, and slowly. */
export class FetchQueue {
  readonly #waiting: ClipFetch[] = [];
  #current: ClipFetch | null = null;

  /** Clips that are not here yet. */
  get length(): number {
    return this.#waiting.length + (this.#current?.isOver === false ? 1 : 0);
  }

  add(fetch: ClipFetch): void {
    this.#waiting.push(fetch);
  }

  /** Begins the next one if the one before is over; again, where one is over at once. Never throws. */
  async advance(nowMs: number): Promise<void> {
    while (this.#current?.isOver !== false) {
      this.#current = this.#waiting.shift() ?? null;
      if (this.#current === null) return;
      await this.#current.begin(nowMs);
    }
  }

  /** Asks again for what does not come. */
  look(nowMs: number): void {
    this.#current?.look(nowMs);
  }
}
