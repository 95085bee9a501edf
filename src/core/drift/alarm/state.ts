import type { DriftState } from '../window-verdict.ts';

/** Shares of the threshold: from which a camera is suspect, and below which it is no longer. */
const SUSPECT = 0.1;
const CALM = 0.01;
/** Observations below that until an alarm ends, and from there until all is well. */
const CALM_OBSERVATIONS = 20;
const RECOVERED_OBSERVATIONS = 60;

/** A camera's state with what it waits for. */
export interface StateMemory {
  readonly state: DriftState;
  /** observations in a row with little evidence */
  readonly calm: number;
}

export const AT_FIRST: StateMemory = { state: 'ok', calm: 0 };

/**
 * The state after one more observation.
 * @param ratio evidence over what an alarm needs
 */
export function nextState({ state, calm }: StateMemory, ratio: number): StateMemory {
  const still = ratio < CALM ? calm + 1 : 0;
  if (ratio >= 1) return { state: 'drifted', calm: 0 };
  switch (state) {
    case 'ok':
      return { state: ratio >= SUSPECT ? 'suspect' : 'ok', calm: 0 };
    case 'suspect':
      return still >= CALM_OBSERVATIONS ? AT_FIRST : { state, calm: still };
    case 'drifted':
      return still >= CALM_OBSERVATIONS ? { state: 'recovering', calm: 0 } : { state, calm: still };
    case 'recovering':
      return still >= RECOVERED_OBSERVATIONS ? AT_FIRST : { state, calm: still };
  }
}
