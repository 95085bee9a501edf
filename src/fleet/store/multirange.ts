import type { NumberRange } from '../../core/ledger/number-set.ts';

/** PostgreSQL's text of an int8multirange. Ranges of the ledger include their end, those of PostgreSQL do not. */
export function formatMultirange(ranges: readonly NumberRange[]): string {
  return `{${ranges.map(([first, last]) => `[${first},${last}]`).join(',')}}`;
}

/** Ascending, disjoint and not touching, as PostgreSQL keeps them: always `[first,end)`. */
export function parseMultirange(text: string): [number, number][] {
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map(([, first, end]) => [Number(first), Number(end) - 1]);
}
