/**
 * - `as_expected`: nothing says that the model sees worse
 * - `worse`: it loses a fifth of its AP or more, or nearly all objects, by two estimates in a row. It stays so while
 *   there is no estimate; `reason` then says why
 * - `unavailable`: there is no estimate; `reason` says why
 */
export const ACCURACY_STATES = ['as_expected', 'worse', 'unavailable'] as const;

/** How well the model sees, as it travels. */
export interface AccuracyEstimate {
  /** when it was made, ISO 8601 */
  readonly at: string;
  readonly state: (typeof ACCURACY_STATES)[number];
  /** share of the AP in the baseline that is kept, 0..1, and its 90 % interval; null without an estimate */
  readonly share: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** that it is of */
  readonly frames: number;
  readonly baseline: 'camera' | 'bundle' | null;
  /** why there is no estimate; null if there is one */
  readonly reason: string | null;
}

interface LikelyCause {
  readonly name: string;
  /** for a person */
  readonly words: string;
}

/** The likely cause where a model sees worse although the input is as in the reference. */
export const MODEL_DEGRADED = 'model_degraded';

/**
 * The likely cause of seeing worse: that of a changed input, or else the model.
 * @param verdict of the same camera, about its input
 * @returns null if it is not known
 */
export function causeOfWorse(
  verdict: { readonly state: string; readonly cause: LikelyCause | null } | undefined,
): LikelyCause | null {
  if (verdict?.state !== 'ok') return verdict?.cause ?? null;
  return { name: MODEL_DEGRADED, words: 'model degraded: the input is as in the reference' };
}

/**
 * What was known at a time.
 * @param windows of a camera, the oldest first @param at ISO 8601
 */
export function estimateAt(
  windows: readonly { readonly accuracy?: AccuracyEstimate | undefined }[],
  at: string,
): AccuracyEstimate | undefined {
  return windows.findLast(({ accuracy }) => accuracy !== undefined && accuracy.at <= at)?.accuracy;
}

/** One sentence for a person. */
export function accuracyWords({ state, share, low, high, reason }: Omit<AccuracyEstimate, 'at'>): string {
  if (share === null || low === null || high === null)
    return state === 'worse'
      ? `the model sees worse; no estimate now (${reason ?? 'unknown'})`
      : `estimated accuracy: unavailable (${reason ?? 'unknown'})`;
  const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
  const kept = `an estimated ${percent(share)} of its AP is kept (90 %: ${percent(low)} to ${percent(high)})`;
  return state === 'worse' ? `the model sees worse: ${kept}` : kept;
}
