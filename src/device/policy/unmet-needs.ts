import type { DriftPolicy, PolicyRule } from '../../contract/drift-policy.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { Status } from '../../contract/status.ts';
import type { VerdictKind } from '../../core/drift/policy/rules.ts';
import type { PolicyTrouble } from './failed-actions.ts';

type DriftStatus = NonNullable<Status['drift']>;

/** Looks that must agree: verdicts of a bundle that takes over begin with its first frame. */
const LOOKS = 2;

const NOT_MEASURED = 'frames are not measured: drift_window_s is 0, or drift could not be started';

/** What rules wait for in vain, so that a policy that can never act does not look like one that has no reason to. */
export class UnmetNeeds {
  readonly #file: string;
  readonly #seen = new Map<VerdictKind, { readonly error: GoshawkError; readonly looks: number }>();

  /** @param file of the policy, for messages */
  constructor(file: string) {
    this.#file = file;
  }

  clear(): void {
    this.#seen.clear();
  }

  /**
   * Compares what the rules need with what is known of the configured bundle.
   * @param drift null: frames are not measured
   * @returns what is to be reported now: each reason once
   */
  look({ rules }: DriftPolicy, drift: DriftStatus | null): GoshawkError[] {
    const needs = needsOf(rules);
    for (const kind of this.#seen.keys()) if (!needs.has(kind)) this.#seen.delete(kind);
    return Array.from(needs, ([verdict, names]) => {
      const reason = reasonWithout(drift, verdict);
      const error = reason === null ? null : this.#error(verdict, names, reason);
      return this.#note(verdict, error);
    }).flatMap((error) => error ?? []);
  }

  get troubles(): readonly PolicyTrouble[] {
    return Object.values(this.byVerdict);
  }

  /** By the kind of verdict that is missing. */
  get byVerdict(): Readonly<Record<string, PolicyTrouble>> {
    const sure = [...this.#seen].filter(([, { looks }]) => looks >= LOOKS);
    return Object.fromEntries(
      sure.map(([kind, { error }]) => [kind, { code: error.code, reason: error.message }] as const),
    );
  }

  #note(kind: VerdictKind, error: GoshawkError | null): GoshawkError | null {
    const before = this.#seen.get(kind);
    if (error === null) this.#seen.delete(kind);
    else {
      const looks = before?.error.message === error.message ? before.looks + 1 : 1;
      this.#seen.set(kind, { error, looks });
      if (looks === LOOKS) return error;
    }
    return null;
  }

  #error(verdict: VerdictKind, names: readonly string[], reason: string): GoshawkError {
    const rules = names.map((name) => `"${name}"`).join(', ');
    return new GoshawkError('GOSHAWK_POLICY_UNMET', { file: this.#file, rules, verdict, reason });
  }
}

/** Kinds of verdicts, with the rules that need them. The cause is that of a changed input, whatever the verdict. */
function needsOf(rules: readonly PolicyRule[]): Map<VerdictKind, string[]> {
  const needs = new Map<VerdictKind, string[]>();
  for (const { name, when } of rules) {
    const kinds = new Set([when.verdict, ...(when.cause === undefined ? [] : ['input-changed' as const])]);
    for (const kind of kinds) needs.set(kind, [...(needs.get(kind) ?? []), name]);
  }
  return needs;
}

/** Why there can be no verdict of a kind; null if there can, or if nobody knows yet. */
function reasonWithout(drift: DriftStatus | null, kind: VerdictKind): string | null {
  if (drift === null) return NOT_MEASURED;
  const known = drift.cannotTell?.[kind];
  if (known !== undefined || kind !== 'input-changed') return known ?? null;
  const [refused] = Object.values(drift.unjudged ?? {});
  const isJudged = Object.keys(drift.verdicts ?? {}).length > 0;
  return refused === undefined || isJudged ? null : refused.reason;
}
