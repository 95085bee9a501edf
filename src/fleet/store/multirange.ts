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
 * SQL: numbers of a row of `fleet.ledger`, below its highest known one, that are neither stored nor declared lost: on
 * their way, or lost in silence.
 */
export const HOLES =
  'int8multirange(int8range(0, greatest(upper(stored), upper(declared), 0))) - stored - declared';

/** SQL: how many numbers the multiranges of all rows have together. */
export function sumOfSizes(multirange: string): string {
  return `coalesce(sum((select sum(upper(r) - lower(r)) from unnest(${multirange}) as r)), 0)::int8`;
}
