/** How much somebody may take: `burst` at once, and `perSecond` in the long run. */
export interface BucketRule {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/** Callers that are remembered: about 100 bytes each. */
const MAX_KEYS = 10_000;

/**
 * A token bucket for each caller, bounded: whoever was not seen for longest is forgotten first, and begins with a full
 * bucket when it returns.
 */
export class TokenBuckets {
  readonly #rule: BucketRule;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rule: BucketRule, maxKeys = MAX_KEYS) {
    this.#rule = rule;
    this.#maxKeys = maxKeys;
  }

  /** Callers that are remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Seconds until a caller may take one more; 0 if it may now. @param nowMs monotonic */
  waitOf(key: string, nowMs: number): number {
    const left = this.#leftOf(key, nowMs);
    return left >= 1 ? 0 : (1 - left) / this.#rule.perSecond;
  }

  /** Takes one, if there is one. @returns seconds to wait, as `waitOf` does; 0 if it was taken */
  take(key: string, nowMs: number): number {
    const wait = this.waitOf(key, nowMs);
    this.#set(key, this.#leftOf(key, nowMs) - (wait === 0 ? 1 : 0), nowMs);
    return wait;
  }

  /** Gives back one that was taken, for what turned out not to count. @param nowMs monotonic */
  giveBack(key: string, nowMs: number): void {
    // never more than a burst: `#leftOf` sees to that
    this.#set(key, this.#leftOf(key, nowMs) + 1, nowMs);
  }

  #set(key: string, left: number, atMs: number): void {
    // at the end of the order: the map begins with whoever was not seen for longest
    this.#buckets.delete(key);
    this.#buckets.set(key, { left, atMs });
    this.#forget();
  }

  #leftOf(key: string, nowMs: number): number {
    const { burst, perSecond } = this.#rule;
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.left + (Math.max(0, nowMs - bucket.atMs) / 1_000) * perSecond);
  }

  #forget(): void {
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#maxKeys) return;
      this.#buckets.delete(key);
    }
  }
}
