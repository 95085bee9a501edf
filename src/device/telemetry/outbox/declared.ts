import { NumberSet, type NumberRange } from '../../../core/ledger/number-set.ts';
import type { GapReason } from '../../../contract/telemetry/ranges.ts';

/** Ranges that are remembered of each reason, at most: the newest. All numbers are counted. */
const MAX_REMEMBERED = 64;

/** Numbers of one reason that were declared as lost. */
export interface DeclaredRanges {
  readonly count: number;
  /** the newest of them, ascending */
  readonly ranges: readonly NumberRange[];
}

/** What was declared as lost of one stream in one boot, for those who look at the ledger. */
export class Declared {
  readonly #counts = new Map<string, number>();
  readonly #ranges = new Map<string, NumberSet>();

  static of(records: Readonly<Record<string, DeclaredRanges>>): Declared {
    const declared = new Declared();
    for (const [reason, { count, ranges }] of Object.entries(records)) {
      declared.#counts.set(reason, count);
      declared.#ranges.set(reason, NumberSet.of(ranges));
    }
    return declared;
  }

  /**
   * Counts numbers, once: a gap message that was lost itself is made again, and then may name another reason.
   * @returns how many were not counted before
   */
  add(reason: GapReason, first: number, last: number): number {
    const fresh = NumberSet.of([[first, last]]);
    for (const known of this.#ranges.values()) for (const range of known.ranges()) fresh.remove(...range);
    if (fresh.size === 0) return 0;
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + fresh.size);
    const ranges = this.#ranges.get(reason) ?? new NumberSet();
    ranges.addAll(fresh.ranges());
    for (const oldest of ranges.ranges().slice(0, -MAX_REMEMBERED)) ranges.remove(...oldest);
    this.#ranges.set(reason, ranges);
    return fresh.size;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  records(): Readonly<Record<string, DeclaredRanges>> {
    return Object.fromEntries(
      [...this.#counts].map(([reason, count]) => [
        reason,
        { count, ranges: this.#ranges.get(reason)?.ranges() ?? [] },
      ]),
    );
  }
}
