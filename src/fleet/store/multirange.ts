import type { NumberRange } from '../../core/ledger/number-set.ts';

/** PostgreSQL's text of an int8multirange. Ranges of the ledger include their end, those of PostgreSQL do not. */
export function formatMultirange(ranges: readonly NumberRange[]): string {
  return `{${ranges.map(([first, last]) => `[${first},${last}]`).join(',')}}`;
}

/** Ascending, disjoint and not touching, as PostgreSQL keeps them: always `[first,end)`. */
export function parseMultirange(text: string): [number, number][] {
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map(([, first, end]) => [Number(first), Number(end) - 1]);
}

/**
 * SQL: numbers of a row of `fleet.ledger`, below its highest known one, that are neither stored, nor in quarantine, nor
 * declared lost: on their way, or lost in silence.
 */
export const HOLES =
  'int8multirange(int8range(0, greatest(upper(stored), upper(quarantined), upper(declared), 0)))' +
  ' - stored - quarantined - declared';

/** SQL: numbers of a row that are in quarantine and not stored. */
export const QUARANTINED = 'quarantined - stored';

/** SQL: numbers of a row that the robot declared lost, and of which nothing came. */
export const DECLARED = 'declared - stored - quarantined';

/** SQL: the sum of counts of all rows of `fleet.ledger_sums`, 2^53 - 1 at most. */
export function sumOf(counts: string): string {
  return `least(coalesce(sum(${counts}), 0), ${Number.MAX_SAFE_INTEGER})::int8`;
}
