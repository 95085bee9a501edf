import type { WindowVerdict } from '../window-verdict.ts';
import type { CameraVerdict } from './camera-judge.ts';
import { CAUSES } from './causes.ts';

/** @param atMs when its newest observation was made, since the epoch */
export function windowVerdict(verdict: CameraVerdict, atMs: number): WindowVerdict {
  const { state, evidence, sinceSeconds, context, features, cause } = verdict;
  return {
    at: iso(atMs),
    state,
    evidence: rounded(evidence),
    since: state === 'ok' ? null : iso(atMs - sinceSeconds * 1000),
    context,
    features: features.map(({ feature, share, now, reference, sigmas, wasserstein, psi }) => ({
      feature,
      share: rounded(share),
      now: rounded(now),
      reference: rounded(reference),
      sigmas: rounded(sigmas),
      wasserstein: rounded(wasserstein),
      psi: rounded(psi),
    })),
    cause:
      cause === null
        ? null
        : { name: cause.cause, words: CAUSES[cause.cause], evidence: [...cause.evidence] },
  };
}

const DIGITS = 4;
const rounded = (value: number): number => Number(value.toPrecision(DIGITS));
const iso = (ms: number): string => new Date(ms).toISOString();
