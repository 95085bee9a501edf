import { nameOfAction, type PolicyAction, type PolicyRule } from '../../contract/drift-policy.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { cutText } from '../../core/cut-text.ts';
import type { ActiveRule } from '../../core/drift/policy/policy-engine.ts';
import type { RuleSpec } from '../../core/drift/policy/rules.ts';

type EventBody = StreamBody<'event'>;

/** A rule of the policy with what the engine needs. */
export interface PolicyRuleSpec extends RuleSpec {
  readonly do: PolicyRule['do'];
}

const MAX_TEXT = 500;
const MAX_VALUE = 256;

/** An action as it is logged, with its settings. */
export function describeAction(action: PolicyAction): string {
  if (typeof action === 'string') return action;
  const [settings] = Object.values(action) as object[];
  const words = Object.entries(settings ?? {}).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${nameOfAction(action)} ${words.join(' ')}`;
}

/** What a rule does and because of what, for the log. */
export function describeRule({ rule, camera, judgement }: ActiveRule<PolicyRuleSpec>): string {
  const { verdict, state, cause, confidence } = judgement;
  const why = `${verdict} ${state}, cause ${cause ?? 'unknown'}, confidence ${confidence.toFixed(2)}`;
  return `rule ${rule.name}, camera ${camera} (${why}): ${rule.do.map(describeAction).join('; ')}`;
}

/** The same of a rule that begins, with how long a fallback stays at least. */
export function describeBegin(active: ActiveRule<PolicyRuleSpec>): string {
  const { holdMs } = active;
  if (holdMs === 0) return describeRule(active);
  return `${describeRule(active)}; the configured bundle is tried again after ${String(holdMs / 1000)} s`;
}

/**
 * The event of a rule that begins or ends.
 * @param frame the newest published one of the camera, if there was any
 */
export function ruleEvent(
  kind: 'policy_action' | 'policy_notify' | 'policy_undone',
  active: ActiveRule<PolicyRuleSpec>,
  frame: number | undefined,
): EventBody {
  const { rule, camera, judgement } = active;
  return {
    kind,
    severity: kind === 'policy_undone' ? 'info' : 'warning',
    camera,
    ...(frame === undefined ? {} : { frames: [frame] }),
    text: cutText((kind === 'policy_undone' ? describeRule : describeBegin)(active), MAX_TEXT),
    values: {
      rule: rule.name,
      actions: rule.do.map(nameOfAction).join(' '),
      verdict: judgement.verdict,
      state: judgement.state,
      confidence: judgement.confidence,
      ...(judgement.cause === null ? {} : { cause: judgement.cause }),
    },
  };
}

/** The event of a policy that does not do what it should. */
export function policyTrouble(
  kind: 'policy_stopped' | 'policy_refused' | 'policy_failed',
  code: string,
  text: string,
  severity: 'warning' | 'error' = 'error',
): EventBody {
  return {
    kind,
    severity,
    text: cutText(text, MAX_TEXT),
    values: { code: code.slice(0, MAX_VALUE) },
  };
}
