/** Clocks that differ by more than this do not agree, as with a recording or a clock that was never set. */
const MAX_MS = 60_000;

/** True if a stamp of this age, in milliseconds, may come from the local clock. */
export function clocksAgree(ageMs: number): boolean {
  return Math.abs(ageMs) <= MAX_MS;
}
