import { ActionBounds, type PolicyLimits } from './action-bounds.ts';
import { Retries } from './retries.ts';
import { fulfills, type DriftJudgement, type RuleSpec } from './rules.ts';

/** A rule that is in force for a camera. */
export interface ActiveRule<Rule extends RuleSpec> {
  readonly rule: Rule;
  readonly camera: string;
  /** what it began with */
  readonly judgement: DriftJudgement;
  /** milliseconds of the caller's clock */
  readonly sinceMs: number;
  /** milliseconds for which all must be well until it ends: more than its rule says after tries that failed */
  readonly holdMs: number;
}

/**
 * What is to be done now, in order.
 * - `do`, `undo`: a rule begins or ends for a camera
 * - `skip`: a rule that only reports would report too often
 * - `stop`: the dead-man rule; everything was undone before, and nothing more follows
 */
export type PolicyStep<Rule extends RuleSpec> =
  | { readonly kind: 'do' | 'undo' | 'skip'; readonly what: ActiveRule<Rule> }
  | { readonly kind: 'stop'; readonly reason: string };

/** Rules end if nothing has been known of their camera for so long because it sends no frames. */
const SILENT_HOLD_MS = 60_000;

/** How a rule is with a camera. */
interface RuleMemory<Rule extends RuleSpec> {
  /** since when its condition is fulfilled; null while it is not */
  fulfilledMs: number | null;
  /** since when all is well; null while it is not */
  wellMs: number | null;
  /** since when its camera is silent; null while it is not */
  silentMs: number | null;
  active: ActiveRule<Rule> | null;
  /** it was skipped, and waits until all is well */
  isSkipped: boolean;
}

/**
 * Decides which rules of a policy are in force. It does nothing itself: whoever carries out its steps can undo all of
 * them at any time.
 */
export class PolicyEngine<Rule extends RuleSpec> {
  readonly #rules: readonly Rule[];
  readonly #acting: ActionBounds;
  readonly #reporting: ActionBounds;
  readonly #retries = new Retries();
  readonly #memories = new Map<string, RuleMemory<Rule>>();
  #active: ActiveRule<Rule>[] = [];
  #stopped: string | null = null;

  constructor(rules: readonly Rule[], limits: PolicyLimits) {
    this.#rules = rules;
    this.#acting = new ActionBounds(limits);
    this.#reporting = new ActionBounds({ ...limits, alternations_per_hour: limits.actions_per_hour });
  }

  /** Rules in force, in the order in which they began. */
  get active(): readonly ActiveRule<Rule>[] {
    return this.#active;
  }

  /** Why the dead-man rule ended everything; null if it did not. */
  get stopped(): string | null {
    return this.#stopped;
  }

  /**
   * @param nowMs a clock that never runs backwards
   * @param silent cameras that have no judgement because they send no frames
   */
  look(
    judgements: readonly DriftJudgement[],
    nowMs: number,
    silent: readonly string[] = [],
  ): PolicyStep<Rule>[] {
    const steps: PolicyStep<Rule>[] = [];
    for (const rule of this.#rules)
      for (const camera of this.#camerasOf(rule, judgements)) {
        if (this.#stopped !== null) return steps;
        const judgement = judgements.find(
          (one) => one.camera === camera && one.verdict === rule.when.verdict,
        );
        this.#noteSilence(rule, camera, silent, nowMs);
        steps.push(...this.#lookAt(rule, camera, judgement, nowMs));
      }
    return steps;
  }

  /** Ends every rule, the newest first. */
  undoAll(): PolicyStep<Rule>[] {
    const steps = this.#active.toReversed().map((what) => ({ kind: 'undo', what }) as const);
    this.#active = [];
    this.#memories.clear();
    this.#retries.clear();
    return steps;
  }

  /** Cameras with a verdict, and those that the rule is in force for. */
  #camerasOf(rule: Rule, judgements: readonly DriftJudgement[]): Set<string> {
    const { verdict, camera: only } = rule.when;
    const judged = judgements.filter((one) => one.verdict === verdict);
    const acted = this.#active.filter((one) => one.rule === rule);
    const cameras = [...judged, ...acted].map(({ camera }) => camera);
    return new Set(cameras.filter((camera) => only === undefined || camera === only));
  }

  #noteSilence(rule: Rule, camera: string, silent: readonly string[], nowMs: number): void {
    const memory = this.#memoryOf(keyOf(rule, camera));
    memory.silentMs = silent.includes(camera) ? (memory.silentMs ?? nowMs) : null;
  }

  #lookAt(
    rule: Rule,
    camera: string,
    judgement: DriftJudgement | undefined,
    nowMs: number,
  ): PolicyStep<Rule>[] {
    const memory = this.#memoryOf(keyOf(rule, camera));
    const isWell = judgement === undefined ? isRetried(rule) : judgement.state === 'ok';
    memory.wellMs = isWell ? (memory.wellMs ?? nowMs) : null;
    if (memory.active !== null) return this.#endIfWell(memory, memory.active, nowMs);
    if (memory.isSkipped && isWell) memory.isSkipped = false;
    if (judgement === undefined || memory.isSkipped || !fulfills(judgement, rule.when)) {
      memory.fulfilledMs = null;
      return [];
    }
    memory.fulfilledMs ??= nowMs;
    if (nowMs - memory.fulfilledMs < rule.when.for_s * 1000) return [];
    return this.#begin(memory, rule, judgement, nowMs);
  }

  #endIfWell(memory: RuleMemory<Rule>, active: ActiveRule<Rule>, nowMs: number): PolicyStep<Rule>[] {
    const { rule, holdMs } = active;
    const isWell = hasPassed(memory.wellMs, holdMs, nowMs);
    if (rule.sticky || !(isWell || hasPassed(memory.silentMs, SILENT_HOLD_MS, nowMs))) return [];
    this.#active = this.#active.filter((one) => one !== active);
    memory.active = null;
    memory.fulfilledMs = null;
    if (!this.#isInForce(rule)) this.#retries.end(rule, nowMs);
    return [{ kind: 'undo', what: active }];
  }

  #begin(memory: RuleMemory<Rule>, rule: Rule, judgement: DriftJudgement, nowMs: number): PolicyStep<Rule>[] {
    const { camera } = judgement;
    const refusal = this.#refusalOf(rule, camera, nowMs);
    const what = { rule, camera, judgement, sinceMs: nowMs, holdMs: this.#retries.holdOf(rule) };
    if (refusal === null) {
      memory.active = what;
      this.#active.push(what);
      return [{ kind: 'do', what }];
    }
    if (rule.acts > 0) return this.#stop(refusal);
    memory.isSkipped = true;
    return [{ kind: 'skip', what }];
  }

  /** Counts what the rule does. @returns null if it may, else why not */
  #refusalOf(rule: Rule, camera: string, nowMs: number): string | null {
    const key = keyOf(rule, camera);
    if (rule.acts === 0) return this.#reporting.take(key, 1, nowMs);
    // what a rule does is for all cameras, and done already if it is in force for another one
    if (this.#isInForce(rule)) return this.#acting.take(isRetried(rule) ? null : key, 0, nowMs);
    if (!isRetried(rule)) return this.#acting.take(key, rule.acts, nowMs);
    // a try that failed puts back what was in force before it, and the wait bounds how often
    return this.#retries.begin(rule, nowMs) ? null : this.#acting.take(null, rule.acts, nowMs);
  }

  #isInForce(rule: Rule): boolean {
    return this.#active.some((one) => one.rule === rule);
  }

  #stop(reason: string): PolicyStep<Rule>[] {
    this.#stopped = reason;
    return [...this.undoAll(), { kind: 'stop', reason }];
  }

  #memoryOf(key: string): RuleMemory<Rule> {
    const known = this.#memories.get(key);
    if (known !== undefined) return known;
    const memory = { fulfilledMs: null, wellMs: null, silentMs: null, active: null, isSkipped: false };
    this.#memories.set(key, memory);
    return memory;
  }
}

function hasPassed(sinceMs: number | null, waitMs: number, nowMs: number): boolean {
  return sinceMs !== null && nowMs - sinceMs >= waitMs;
}

/** Its end is a try of the configured state, which may fail. */
function isRetried({ holdMs }: RuleSpec): boolean {
  return holdMs > 0;
}

function keyOf({ name }: RuleSpec, camera: string): string {
  return `${name} ${camera}`;
}
