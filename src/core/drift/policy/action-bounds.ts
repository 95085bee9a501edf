const HOUR_MS = 3_600_000;

/** What the rules of a policy may do in an hour, together. */
export interface PolicyLimits {
  readonly actions_per_hour: number;
  /** how often one rule may act again for a camera after it was undone */
  readonly alternations_per_hour: number;
}

/** The dead-man rule: counts actions over the last hour, and says when there are too many. */
export class ActionBounds {
  readonly #limits: PolicyLimits;
  #times: number[] = [];
  readonly #byKey = new Map<string, number[]>();

  constructor(limits: PolicyLimits) {
    this.#limits = limits;
  }

  /**
   * Counts actions unless they are too many.
   * @param key of the rule and the camera; null if it may go back and forth
   * @returns null if they may be done, else why not, in words
   */
  take(key: string | null, actions: number, nowMs: number): string | null {
    const { actions_per_hour: most, alternations_per_hour: mostAgain } = this.#limits;
    this.#times = recent(this.#times, nowMs);
    const before = key === null ? [] : recent(this.#byKey.get(key) ?? [], nowMs);
    if (this.#times.length + actions > most)
      return `more than ${String(most)} actions in an hour (actions_per_hour)`;
    if (before.length > mostAgain)
      return (
        `"${key ?? ''}" went back and forth more than ${String(mostAgain)} times in an hour ` +
        '(alternations_per_hour)'
      );
    for (let i = 0; i < actions; i += 1) this.#times.push(nowMs);
    if (key !== null) this.#byKey.set(key, [...before, nowMs]);
    return null;
  }
}

function recent(times: readonly number[], nowMs: number): number[] {
  return times.filter((time) => nowMs - time < HOUR_MS);
}
