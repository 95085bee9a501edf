import type { Status } from '../../contract/status.ts';
import type { DriftJudgement } from '../../core/drift/policy/rules.ts';
import { causeOfWorse } from '../../core/drift/window-accuracy.ts';

type DriftStatus = NonNullable<Status['drift']>;

/** A row for each kind of verdict: what it says of each camera now. */
const READERS: readonly ((drift: DriftStatus) => DriftJudgement[])[] = [
  ({ verdicts }) =>
    Object.entries(verdicts ?? {}).map(([camera, { state, cause, evidence }]) => ({
      verdict: 'input-changed',
      camera,
      state,
      cause: cause?.name ?? null,
      confidence: Math.min(1, evidence),
    })),
  // without an estimate there is no verdict
  ({ accuracy, verdicts }) =>
    Object.entries(accuracy ?? {}).flatMap(([camera, { state }]) =>
      state === 'unavailable'
        ? []
        : [judgementOf(camera, state === 'worse', causeOfWorse(verdicts?.[camera])?.name)],
    ),
];

/** @param cause likely that of seeing worse */
function judgementOf(camera: string, isWorse: boolean, cause: string | undefined): DriftJudgement {
  const state = isWorse ? 'drifted' : 'ok';
  return {
    verdict: 'sees-worse',
    camera,
    state,
    cause: isWorse ? (cause ?? null) : null,
    confidence: isWorse ? 1 : 0,
  };
}

/** What is known of the cameras, for the rules of a policy. */
export function judgementsOf(drift: DriftStatus | null): DriftJudgement[] {
  return drift === null ? [] : READERS.flatMap((read) => read(drift));
}
