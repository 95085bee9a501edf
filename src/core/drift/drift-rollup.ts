import { addCameras, type CameraDrift } from './camera-drift.ts';
import { DRIFT_STATES, type DriftState } from './window-verdict.ts';

/** How many windows ended in each state of drift; windows without a verdict are in none. */
export type StateCounts = Readonly<Record<DriftState, number>>;

export const NO_STATES: StateCounts = { ok: 0, suspect: 0, drifted: 0, recovering: 0 };

/** What one camera showed in some time, with one model: everything in it adds up, over times, cameras and robots. */
export interface DriftRollup {
  /** length of its windows together, ms */
  readonly coveredMs: number;
  /** end of the last of them, ms since the epoch */
  readonly untilMs: number;
  readonly states: StateCounts;
  /** its verdict is that of the newest window that has one */
  readonly drift: CameraDrift;
}

/** The sum of rollups of one table of features, in any order the same; null if there is none. */
export function addDriftRollups(all: readonly DriftRollup[]): DriftRollup | null {
  const [first, ...others] = all;
  return first === undefined ? null : others.reduce(add, first);
}

function add(one: DriftRollup, other: DriftRollup): DriftRollup {
  return {
    coveredMs: Math.min(Number.MAX_SAFE_INTEGER, one.coveredMs + other.coveredMs),
    untilMs: Math.max(one.untilMs, other.untilMs),
    states: addStates(one.states, other.states),
    drift: addCameras(one.drift, other.drift),
  };
}

function addStates(one: StateCounts, other: StateCounts): StateCounts {
  const sums = { ...NO_STATES };
  for (const state of DRIFT_STATES) sums[state] = one[state] + other[state];
  return sums;
}
