/** A lane that shares the engine by priority. */
export interface ShareHolder {
  readonly priority: number;
  /** the smallest is served next */
  pass: number;
}

/**
 * Stride scheduling (Waldspurger and Weihl, 1995): serving a lane advances its pass by 1 / priority, and the smallest
 * pass is served next, so that over time each waiting camera gets its share by priority. A camera that was silent joins
 * at the pass of the one served last: it does not save up time.
 */
export class StrideScheduler {
  #globalPass = 0;

  /** The lane to serve among those that `isReady` accepts, or `null`. Changes nothing. */
  pick<T extends ShareHolder>(lanes: Iterable<T>, isReady: (lane: T) => boolean): T | null {
    let best: T | null = null;
    for (const lane of lanes) {
      if (isReady(lane) && (best === null || this.#passOf(lane) < this.#passOf(best))) best = lane;
    }
    return best;
  }

  /** The lane was served one frame. */
  charge(lane: ShareHolder): void {
    const pass = this.#passOf(lane);
    this.#globalPass = pass;
    lane.pass = pass + 1 / lane.priority;
  }

  #passOf(lane: ShareHolder): number {
    return Math.max(lane.pass, this.#globalPass);
  }
}
