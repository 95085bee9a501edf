import { DRIFT_STATES, type DriftState } from '../window-verdict.ts';

/**
 * - `input-changed`: what the camera shows is not what the reference has; the model may see as well as before
 * - `sees-worse`: the model is estimated to find less than it did in the reference
 */
export const VERDICT_KINDS = ['input-changed', 'sees-worse'] as const;

export type VerdictKind = (typeof VERDICT_KINDS)[number];

/** States that a rule can wait for; `suspect` is fulfilled by `drifted` as well. */
export const RULE_STATES = ['suspect', 'drifted'] as const satisfies readonly DriftState[];

/** What is known of a camera at one moment. */
export interface DriftJudgement {
  readonly verdict: VerdictKind;
  readonly camera: string;
  readonly state: DriftState;
  /** such as `dark`; null if nothing speaks for a change */
  readonly cause: string | null;
  /** 0..1; 1 is all that an alarm needs */
  readonly confidence: number;
}

/** When a rule applies to a camera. */
export interface RuleCondition {
  readonly verdict: VerdictKind;
  readonly state: (typeof RULE_STATES)[number];
  /** any camera if absent, and for itself */
  readonly camera?: string | undefined;
  /** any if absent */
  readonly cause?: string | undefined;
  readonly min_confidence: number;
  /** seconds for which all of this must have been true */
  readonly for_s: number;
}

/** A rule as the engine sees it. */
export interface RuleSpec {
  /** unique in its policy */
  readonly name: string;
  readonly when: RuleCondition;
  /** true: not undone when all is well again */
  readonly sticky: boolean;
  /** number of its actions that change what the device does; 0: it only reports */
  readonly acts: number;
  /**
   * Milliseconds for which all must be well until the rule is undone. If it is more than 0, a camera without a verdict
   * counts as well: the action itself may have taken the verdict away. The end of such a rule is then a try, and each
   * one that fails doubles the wait.
   */
  readonly holdMs: number;
}

/** True while the judgement fulfills the condition, whatever its duration. */
export function fulfills(judgement: DriftJudgement, when: RuleCondition): boolean {
  return (
    judgement.verdict === when.verdict &&
    severity(judgement.state) >= severity(when.state) &&
    (when.camera === undefined || when.camera === judgement.camera) &&
    (when.cause === undefined || when.cause === judgement.cause) &&
    judgement.confidence >= when.min_confidence
  );
}

/** A camera that recovers is no longer a reason to begin something. */
function severity(state: DriftState): number {
  return state === 'recovering' ? 0 : DRIFT_STATES.indexOf(state);
}
