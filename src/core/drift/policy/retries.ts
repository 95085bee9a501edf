import type { RuleSpec } from './rules.ts';

const HOUR_MS = 3_600_000;
/** A try waits for a day at most, or for as long as its rule says. */
const MAX_WAIT_MS = 24 * HOUR_MS;

interface Wait {
  readonly holdMs: number;
  /** when the rule ended last; null while it is in force for a camera */
  endedMs: number | null;
}

/**
 * How long rules with a hold wait until they end, by which the configured state is tried again. A try has failed if the
 * rule begins again within an hour of it, or within as long as it waited; then the next one waits twice as long. So
 * such rules cannot go back and forth often, however long their cause lasts.
 */
export class Retries {
  readonly #waits = new Map<string, Wait>();

  /** A rule begins, for the first of its cameras. @returns true if that is a try that failed */
  begin({ name, holdMs }: RuleSpec, nowMs: number): boolean {
    const last = this.#waits.get(name);
    const hasFailed =
      last !== undefined && last.endedMs !== null && nowMs - last.endedMs < Math.max(HOUR_MS, last.holdMs);
    const nextMs = hasFailed ? Math.min(2 * last.holdMs, Math.max(MAX_WAIT_MS, holdMs)) : holdMs;
    this.#waits.set(name, { holdMs: nextMs, endedMs: null });
    return hasFailed;
  }

  /** A rule ended, for the last of its cameras. */
  end({ name }: RuleSpec, nowMs: number): void {
    const wait = this.#waits.get(name);
    if (wait !== undefined) wait.endedMs = nowMs;
  }

  /** Milliseconds for which all must be well, or nothing known, until the rule ends. */
  holdOf({ name, holdMs }: RuleSpec): number {
    return this.#waits.get(name)?.holdMs ?? holdMs;
  }

  clear(): void {
    this.#waits.clear();
  }
}
