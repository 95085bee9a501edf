import { accuracyWords, type AccuracyEstimate } from './window-accuracy.ts';

/**
 * - `ok`: nothing speaks for drift
 * - `suspect`: a tenth of the evidence that an alarm needs
 * - `drifted`: the alarm
 * - `recovering`: the evidence of an alarm is gone, for less than a minute
 */
export const DRIFT_STATES = ['ok', 'suspect', 'drifted', 'recovering'] as const;

export type DriftState = (typeof DRIFT_STATES)[number];

/** A feature as it travels: readers accept names that they do not know. */
interface NamedShift {
  readonly feature: string;
  /** in the evidence, 0..1 */
  readonly share: number;
  readonly now: number;
  readonly reference: number;
  readonly sigmas: number;
  readonly wasserstein: number;
  readonly psi: number;
}

/** A verdict as it travels. */
export interface WindowVerdict {
  /** when its newest observation was made, ISO 8601 */
  readonly at: string;
  readonly state: DriftState;
  readonly evidence: number;
  /** when the evidence was last near 0; null if nothing speaks for drift */
  readonly since: string | null;
  readonly context: string;
  readonly features: NamedShift[];
  readonly cause: { readonly name: string; readonly words: string; readonly evidence: string[] } | null;
}

/**
 * Of two windows of a camera the newer one says how it is: a verdict, an estimate of accuracy. Of two of the same time
 * it is always the same one, in whatever order they come.
 */
export function newerVerdict<T extends { readonly at: string }>(
  one: T | undefined,
  other: T | undefined,
): T | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.at !== other.at) return one.at > other.at ? one : other;
  return JSON.stringify(one) >= JSON.stringify(other) ? one : other;
}

/**
 * One sentence for a person.
 * @param accuracy the newest estimate of the same camera; absent without one
 */
export function verdictWords(
  { state, evidence, cause, features, context }: Omit<WindowVerdict, 'at' | 'since'>,
  accuracy?: Omit<AccuracyEstimate, 'at'>,
): string {
  if (state === 'ok') return `as in the reference${context === '' ? '' : ` (${context})`}`;
  if (state === 'recovering') return 'the input is as in the reference again, for less than a minute';
  const names = features.map(
    ({ feature, sigmas }) => `${feature} ${sigmas >= 0 ? '+' : ''}${sigmas.toFixed(1)} sigma`,
  );
  const sure = `${(100 * evidence).toFixed(0)} % of the evidence for an alarm`;
  const what = state === 'drifted' ? 'the input changed' : 'the input may have changed';
  const reason = `${cause?.words ?? 'unknown'} (${names.join(', ')}; ${sure})`;
  return `${what}: ${reason}; ${harmWords(accuracy)}`;
}

/** What the change does to the model, which is another question. */
function harmWords(accuracy: Omit<AccuracyEstimate, 'at'> | undefined): string {
  if (accuracy === undefined || accuracy.state === 'unavailable')
    return 'whether the model sees worse is not known';
  return accuracyWords(accuracy);
}
