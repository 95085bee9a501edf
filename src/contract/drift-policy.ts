import { z } from 'zod';
import { RULE_STATES, VERDICT_KINDS } from '../core/drift/policy/rules.ts';
import { CAUSES, type CauseName } from '../core/drift/verdict/causes.ts';
import { MODEL_DEGRADED } from '../core/drift/window-accuracy.ts';
import { LIMIT_PARAMETERS } from './limit-parameters.ts';
import { nameSchema } from './names.ts';

/** Rules of a policy, at most. */
const MAX_RULES = 64;
const DAY_S = 86_400;

/** Actions that change nothing about what the device does. */
const REPORTS = ['notify', 'capture'] as const;

const { score_threshold: score, iou_threshold: iou, max_detections: most } = LIMIT_PARAMETERS;

const limitsSchema = z
  .strictObject({
    score_threshold: z.number().min(score.min).max(score.max).optional(),
    iou_threshold: z.number().min(iou.min).max(iou.max).optional(),
    max_detections: z.int().min(most.min).max(most.max).optional(),
    class_filter: z.array(z.string().max(256)).max(1000).optional(),
  } satisfies Record<keyof typeof LIMIT_PARAMETERS, z.ZodType>)
  .refine((limits) => Object.keys(limits).length > 0, 'set must name a limit');

/** A name of a ROS topic: absolute, of the node (`~/x`), or relative to its namespace. */
const topicSchema = z
  .string()
  .max(200)
  .regex(/^(~\/|\/)?[A-Za-z_][A-Za-z0-9_]*(\/[A-Za-z_][A-Za-z0-9_]*)*$/, 'must be the name of a ROS topic');

const safeModeSchema = z.strictObject({
  topic: topicSchema,
  /** published when the rule begins */
  message: z.string().max(1000),
  /** published when it is over */
  over: z.string().max(1000).default(''),
});

const fallbackSchema = z.strictObject({
  /** as for the parameter `bundle` */
  bundle: z.string().min(1).max(1000),
  /** seconds for which all must be well, or nothing known, until the configured bundle is tried again */
  retry_s: z.number().min(10).max(DAY_S).default(600),
});

const actionSchema = z.union([
  z.enum([...REPORTS, 'freeze']),
  z.strictObject({ set: limitsSchema }),
  z.strictObject({ fallback: fallbackSchema }),
  z.strictObject({ safe_mode: safeModeSchema }),
]);

export type PolicyAction = z.infer<typeof actionSchema>;

/** The word for an action in a policy file. */
export function nameOfAction(action: PolicyAction): string {
  return typeof action === 'string' ? action : Object.keys(action)[0]!;
}

/** True for an action that changes what the device does. */
export function isActing(action: PolicyAction): boolean {
  return !(REPORTS as readonly string[]).includes(nameOfAction(action));
}

/** Causes of a changed input, which may be those of seeing worse as well, and that of seeing worse alone. */
const POLICY_CAUSES = [...(Object.keys(CAUSES) as CauseName[]), MODEL_DEGRADED] as const;

const conditionSchema = z.strictObject({
  verdict: z.enum(VERDICT_KINDS),
  state: z.enum(RULE_STATES).default('drifted'),
  /** every camera, and each for itself, if absent */
  camera: z.string().min(1).max(256).optional(),
  cause: z.enum(POLICY_CAUSES).optional(),
  min_confidence: z.number().min(0).max(1).default(0),
  for_s: z.number().min(0).max(DAY_S).default(0),
});

const ruleSchema = z
  .strictObject({
    name: nameSchema,
    when: conditionSchema,
    do: z.array(actionSchema).min(1).max(8),
    /** true: stays when all is well again, until the policy changes */
    sticky: z.boolean().default(false),
    /** true: may act although it is not known whether the model sees worse */
    allow_on_input_change: z.boolean().default(false),
  })
  .refine(({ do: actions }) => new Set(actions.map(nameOfAction)).size === actions.length, {
    path: ['do'],
    message: 'has the same action twice',
  })
  .refine(({ when }) => when.verdict === 'sees-worse' || when.cause !== MODEL_DEGRADED, {
    path: ['when', 'cause'],
    message: `${MODEL_DEGRADED} is a cause of sees-worse alone`,
  })
  .refine(
    ({ when, do: actions, allow_on_input_change: isAllowed }) =>
      when.verdict !== 'input-changed' || isAllowed || !actions.some(isActing),
    {
      path: ['do'],
      message:
        'only notify and capture are allowed for input-changed, which may harm nothing; ' +
        'a rule with allow_on_input_change: true acts all the same',
    },
  );

export type PolicyRule = z.infer<typeof ruleSchema>;

/** What a robot does about drift: `drift_policy`, in YAML or JSON (docs/policy.md). */
export const driftPolicySchema = z
  .strictObject({
    schema: z.literal('goshawk.drift-policy/1'),
    /** the dead-man rule: beyond these everything is undone and nothing more is done */
    limits: z
      .strictObject({
        actions_per_hour: z.int().min(1).max(3600).default(12),
        alternations_per_hour: z.int().min(0).max(100).default(3),
      })
      .prefault({}),
    rules: z
      .array(ruleSchema)
      .max(MAX_RULES)
      .refine(
        (rules) => new Set(rules.map(({ name }) => name)).size === rules.length,
        'two rules have one name',
      ),
  })
  .refine(
    ({ limits, rules }) =>
      rules.every(({ do: actions }) => actions.filter(isActing).length <= limits.actions_per_hour),
    {
      path: ['rules'],
      message: 'a rule has more actions than actions_per_hour allows, so it could never begin',
    },
  );

export type DriftPolicy = z.infer<typeof driftPolicySchema>;
