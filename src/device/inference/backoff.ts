/** Delays before a runner is restarted. */
export interface BackoffOptions {
  /** milliseconds before the second attempt in a row; the first is immediate */
  readonly firstMs: number;
  readonly capMs: number;
  /** milliseconds of work after which a runner's earlier losses are forgotten */
  readonly stableMs: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 250, capMs: 10_000, stableMs: 30_000 };

/** Delays that double with each loss in a row: 0, first, 2 × first, 4 × first, ... cap. */
export class Backoff {
  readonly #options: BackoffOptions;
  #losses = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait after a loss; `livedMs` is how long the runner had been ready, 0 if it never was. */
  next(livedMs: number): number {
    if (livedMs >= this.#options.stableMs) this.#losses = 0;
    const { firstMs, capMs } = this.#options;
    const wait = this.#losses === 0 ? 0 : Math.min(capMs, firstMs * 2 ** (this.#losses - 1));
    this.#losses += 1;
    return wait;
  }
}
