/** A value over some time. */
export interface Spread {
  /** the time that it was known, ms */
  readonly weight: number;
  /** of the value times its time */
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** A machine over some time. */
export interface HostRollup {
  /** length of its windows together, ms */
  readonly coveredMs: number;
  /** end of the last of them, ms since the epoch */
  readonly untilMs: number;
  /** by the name of the value */
  readonly values: Readonly<Record<string, Spread>>;
}

/** The sum of rollups, in any order the same up to the rounding of sums; null if there is none. */
export function addHostRollups(all: readonly HostRollup[]): HostRollup | null {
  if (all.length === 0) return null;
  const values = new Map<string, Spread>();
  for (const one of all)
    for (const [name, spread] of Object.entries(one.values)) {
      const before = values.get(name);
      values.set(name, before === undefined ? spread : addSpreads(before, spread));
    }
  return {
    coveredMs: all.reduce((total, { coveredMs }) => total + coveredMs, 0),
    untilMs: all.reduce((latest, { untilMs }) => Math.max(latest, untilMs), -Infinity),
    values: Object.fromEntries(values),
  };
}

function addSpreads(one: Spread, other: Spread): Spread {
  return {
    weight: one.weight + other.weight,
    sum: one.sum + other.sum,
    min: Math.min(one.min, other.min),
    max: Math.max(one.max, other.max),
  };
}
