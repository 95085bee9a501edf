import type { PolicyAction } from '../../contract/drift-policy.ts';
import type { LimitsPatch } from '../pipeline/limit-table.ts';

type ActionOf<Name extends string> = Extract<PolicyAction, Readonly<Record<Name, unknown>>>;
type Fallback = ActionOf<'fallback'>['fallback'];
type SafeMode = ActionOf<'safe_mode'>['safe_mode'];

/** A rule's name with its actions. */
interface Acting {
  readonly rule: { readonly name: string; readonly do: readonly PolicyAction[] };
}

/** What someone asked for, and who. */
interface Asked<T> {
  readonly rule: string;
  readonly value: T;
}

/** The state that the rules in force ask for; the configured state is that of no rule. */
export interface DesiredState {
  /** laid over the limits of the operator; where two name one limit, the first prevails */
  readonly limits: readonly Asked<LimitsPatch>[];
  /** null: the configured bundle */
  readonly fallback: Asked<Fallback> | null;
  /** what each topic says, by its name as in the policy */
  readonly safeModes: ReadonlyMap<string, Asked<SafeMode>>;
  readonly isFrozen: boolean;
}

/**
 * The state that rules ask for together. Where two ask for different things, the one that is first in the policy
 * prevails, whichever began first: the state is the same in whatever order they come and go.
 * @param acting the rules in force, in the order of the policy
 */
export function desiredState(acting: readonly Acting[]): DesiredState {
  const asked = acting.flatMap(({ rule }) => rule.do.map((action) => ({ rule: rule.name, action })));
  const limits = collect(asked, (action) =>
    typeof action === 'object' && 'set' in action ? action.set : null,
  );
  const fallbacks = collect(asked, (action) =>
    typeof action === 'object' && 'fallback' in action ? action.fallback : null,
  );
  const safeModes = collect(asked, (action) =>
    typeof action === 'object' && 'safe_mode' in action ? action.safe_mode : null,
  );
  return {
    limits,
    fallback: fallbacks[0] ?? null,
    safeModes: new Map(safeModes.toReversed().map((one) => [one.value.topic, one])),
    isFrozen: asked.some(({ action }) => action === 'freeze'),
  };
}

function collect<T>(
  asked: readonly { readonly rule: string; readonly action: PolicyAction }[],
  valueOf: (action: PolicyAction) => T | null,
): Asked<T>[] {
  return asked.flatMap(({ rule, action }) => {
    const value = valueOf(action);
    return value === null ? [] : [{ rule, value }];
  });
}
