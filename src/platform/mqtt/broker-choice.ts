/** A connection that lasted for this long was stable. */
const STABLE_MS = 600_000;

/** Looks in a row that found the preferred broker there, before a client goes back to it. */
const GOOD_LOOKS = 3;

/** After a return that failed, the next one takes longer, at most by this factor. */
const MAX_PATIENCE = 32;

/**
 * Which broker of a list to connect to: the preferred one, or the next where an attempt failed, and back once the
 * preferred one has been there for a while. Knows no sockets and no clock.
 */
export class BrokerChoice {
  readonly #urls: readonly string[];
  readonly #random: () => number;
  readonly #lookMs: number;
  #index = 0;
  #goodLooks = 0;
  #isReturning = false;
  #patience = 1;

  /**
   * @param urls the preferred one first
   * @param lookMs time between looks at the preferred broker, on average
   * @param random from 0 to 1: robots that lost a broker together should not go back together
   */
  constructor(urls: readonly string[], lookMs: number, random: () => number = Math.random) {
    this.#urls = urls;
    this.#lookMs = lookMs;
    this.#random = random;
  }

  get url(): string {
    return this.#at(this.#index);
  }

  get preferred(): string {
    return this.#at(0);
  }

  get isPreferred(): boolean {
    return this.#index === 0;
  }

  /** The broker accepted the connection. */
  noteUp(): void {
    this.#goodLooks = 0;
  }

  /**
   * The connection, or the attempt, has ended.
   * @param upMs how long it was up; null for a failed attempt
   * @param isUseless whether the broker is not to be tried again at once, though it accepts connections
   */
  noteEnd(upMs: number | null, isUseless: boolean): void {
    const wasStable = upMs !== null && upMs >= STABLE_MS;
    if (this.isPreferred && wasStable) this.#patience = 1;
    else if (this.isPreferred && this.#isReturning)
      this.#patience = Math.min(MAX_PATIENCE, 2 * this.#patience);
    this.#isReturning = false;
    if (upMs === null || isUseless) this.#index = (this.#index + 1) % this.#urls.length;
  }

  /** How long to wait before looking at the preferred broker. */
  nextLookMs(): number {
    return this.#lookMs * this.#patience * (0.5 + this.#random());
  }

  /** Whether the preferred broker was there. @returns true once it is time to go back */
  noteLook(wasThere: boolean): boolean {
    this.#goodLooks = wasThere ? this.#goodLooks + 1 : 0;
    return this.#goodLooks >= GOOD_LOOKS;
  }

  goBack(): void {
    this.#index = 0;
    this.#isReturning = true;
  }

  #at(index: number): string {
    const url = this.#urls[index];
    if (url === undefined) throw new Error('a list of brokers is not empty');
    return url;
  }
}
