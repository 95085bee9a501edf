interface Kind {
  passedMs: number;
  heldBack: number;
}

/** Lets one of each kind pass in a period and counts the others, so that what repeats does not flood a log. */
export class Pace {
  readonly #periodMs: number;
  readonly #kinds = new Map<string, Kind>();

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /**
   * @param kind of a bounded number
   * @param nowMs monotonic
   * @returns how many of the kind were held back since one passed; null if this one is held back as well
   */
  admit(kind: string, nowMs: number): number | null {
    const known = this.#kinds.get(kind);
    if (known !== undefined && nowMs - known.passedMs < this.#periodMs) {
      known.heldBack += 1;
      return null;
    }
    this.#kinds.set(kind, { passedMs: nowMs, heldBack: 0 });
    return known?.heldBack ?? 0;
  }
}
