import { CAUSES } from '../verdict/causes.ts';
import type { Shift } from '../verdict/effects.ts';
import { OBSERVED } from '../observe/observed.ts';
import { bestSignature } from './window-signatures.ts';

/** A feature with its common shift. */
export interface CommonFeature extends Shift {
  readonly feature: string;
}

/** What verdicts would call a common shift; null if none of its features is one that they observe. */
export function likelyCause(
  features: readonly CommonFeature[],
): { readonly name: string; readonly words: string } | null {
  const observed = features.filter(({ feature }) => (OBSERVED as readonly string[]).includes(feature));
  if (observed.length === 0) return null;
  const shifts: Partial<Record<string, Shift>> = Object.fromEntries(
    observed.map(({ feature, ...shift }) => [feature, shift]),
  );
  const cause = bestSignature(shifts) ?? 'unknown';
  return { name: cause, words: CAUSES[cause] };
}
