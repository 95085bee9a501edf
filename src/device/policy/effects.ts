import { describeError } from '../../contract/errors.ts';
import type { LimitsPatch } from '../pipeline/limit-table.ts';
import type { PublishText } from '../runtime/part.ts';
import type { DesiredState } from './desired.ts';
import type { EffectTargets, OnTrouble } from './effect-targets.ts';
import { FallbackEffect, type EngineLosses } from './fallback-effect.ts';

type SafeMode = DesiredState['safeModes'] extends ReadonlyMap<string, infer Mode> ? Mode : never;

const NO_LIMITS = '[]';

/**
 * Brings the device into the state that the rules in force ask for. Each kind of action keeps what it set last, so
 * nothing is done twice, and an action ends by asking for a state without it.
 */
export class Effects {
  readonly #onTrouble: OnTrouble;
  /** limits that are in force, as they were asked for; null if some could not be set */
  #limits: string | null = NO_LIMITS;
  readonly #fallback: FallbackEffect;
  /** topics that say something, and what each of them says */
  readonly #said = new Map<string, SafeMode>();

  constructor(onTrouble: OnTrouble) {
    this.#onTrouble = onTrouble;
    this.#fallback = new FallbackEffect(onTrouble);
  }

  /** True while the configured bundle runs. */
  get isConfigured(): boolean {
    return this.#fallback.isConfigured;
  }

  /** Another policy: what could not be carried out before may be tried again. */
  forgive(): void {
    this.#fallback.forgive();
  }

  /** @param losses how the engine is now */
  watch(losses: EngineLosses, nowMs: number): void {
    this.#fallback.watch(losses, nowMs);
  }

  /** Another session, which runs as it is configured. */
  renew(): void {
    this.#limits = NO_LIMITS;
    this.#fallback.renew();
  }

  /**
   * Says on each topic that safe mode is over, unless it is in force: what an earlier process said stays with its
   * subscribers if that was killed. Never throws.
   * @param modes all that the policy may ask for
   */
  rest(modes: DesiredState['safeModes'], publish: PublishText | null): void {
    if (publish === null) return;
    for (const [topic, { rule, value }] of modes)
      if (!this.#said.has(topic)) this.#try(rule, 'safe_mode', () => publish(topic, value.over));
  }

  /** Never throws. */
  update(desired: DesiredState, targets: EffectTargets): void {
    this.#applyLimits(desired.limits, targets.overrideLimits);
    this.#applySafeModes(desired.safeModes, targets.publishText);
    this.#fallback.update(desired.fallback, targets.swapModel);
  }

  /** Limits of one rule that do not fit the model keep no other rule from setting its own. */
  #applyLimits(asked: DesiredState['limits'], override: EffectTargets['overrideLimits']): void {
    const text = JSON.stringify(asked);
    if (override === null || text === this.#limits) return;
    this.#try('', 'set', () => override({}));
    let patch: LimitsPatch = {};
    let areAllSet = true;
    for (const { rule, value } of asked) {
      const both = { ...value, ...patch };
      if (this.#try(rule, 'set', () => override(both))) patch = both;
      else areAllSet = false;
    }
    this.#limits = areAllSet ? text : null;
  }

  #applySafeModes(wanted: DesiredState['safeModes'], publish: PublishText | null): void {
    for (const [topic, { rule, value }] of this.#said)
      if (!wanted.has(topic) && this.#try(rule, 'safe_mode', () => publish?.(topic, value.over)))
        this.#said.delete(topic);
    for (const [topic, mode] of wanted) {
      // the same words of another rule: what is said when it is over may differ
      const isSaid = this.#said.get(topic)?.value.message === mode.value.message;
      if (isSaid || this.#try(mode.rule, 'safe_mode', () => say(publish, topic, mode.value.message)))
        this.#said.set(topic, mode);
    }
  }

  #try(rule: string, action: string, work: () => void): boolean {
    try {
      work();
    } catch (error) {
      this.#onTrouble(rule, action, describeError(error));
      return false;
    }
    this.#onTrouble(rule, action, null);
    return true;
  }
}

function say(publish: PublishText | null, topic: string, message: string): void {
  if (publish === null) throw new Error('there are no ROS topics in "goshawk run"');
  publish(topic, message);
}
