/** Clocks that differ by more than this do not agree: a recording, a clock that was never set. */
const MAX_MS = 60_000;

/** True where a stamp of this age, milliseconds, may be of the clock here. */
export function clocksAgree(ageMs: number): boolean {
  return Math.abs(ageMs) <= MAX_MS;
}
