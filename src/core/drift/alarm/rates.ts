/** Observations after which the past counts half, for each of the estimates that run at once. */
export const HALF_LIVES = [5, 20, 60] as const;

/** What is left of the past after one observation, for each of them. */
export const KEEPS: readonly number[] = HALF_LIVES.map((half) => 0.5 ** (1 / half));

/** Observations that the prior of a forgetting estimate weighs as much as. */
export const PRIOR_WEIGHT = 2;
