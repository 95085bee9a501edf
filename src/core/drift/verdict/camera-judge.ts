import { directionOf, type AlarmedName } from '../alarm/alarmed.ts';
import { CameraAlarm, type AlarmReference, type FeatureShare } from '../alarm/camera-alarm.ts';
import { AT_FIRST, nextState, type StateMemory } from '../alarm/state.ts';
import { PLACE, type ObservedName } from '../observe/observed.ts';
import { alarmReference } from '../reference/alarm-reference.ts';
import type { ReferenceContext, ReferenceFeatures } from '../reference/make-features.ts';
import { Placed } from '../space/context-space.ts';
import { SPACE } from '../space/scale.ts';
import type { DriftState } from '../window-verdict.ts';
import { causeOf, type Cause } from './causes.ts';
import { profileOf, type ContextProfile } from './context-profile.ts';
import { effectOn, shiftsFrom, type Effect, type Shift } from './effects.ts';
import { MAX_RECENT, RecentObservations } from './recent.ts';

const SECONDS_PER_WEEK = 604_800;
/** Observations that a comparison needs, at least. What came before the change would belie its cause. */
const MIN_COMPARED = 2;
/** Features that a verdict names, at most, and the share of the evidence below which it does not. */
const MAX_NAMED = 5;
const MIN_SHARE = 0.02;

/** What a judge needs of a reference. */
export interface JudgedReference {
  readonly features: ReferenceFeatures;
  readonly contexts: readonly ReferenceContext[];
}

/** A feature that speaks for drift: its share in the evidence, how far it is off, and measures of effect. */
export interface NamedFeature extends Shift, Effect {
  readonly feature: ObservedName;
  readonly share: number;
}

/** What is known of one camera. */
export interface CameraVerdict {
  readonly state: DriftState;
  /** evidence over what an alarm needs, 0..10 */
  readonly evidence: number;
  /** seconds since the evidence of the leading feature was near 0; 0 if nothing speaks for drift */
  readonly sinceSeconds: number;
  /** the declared-good context that it is most likely in; empty before the first observation */
  readonly context: string;
  /** none while the state is `ok` */
  readonly features: readonly NamedFeature[];
  /** null while the state is `ok` */
  readonly cause: Cause | null;
}

/**
 * Decides for one camera whether the input changed. Whether the model sees worse is another question, which it does not
 * answer.
 */
export class CameraJudge {
  readonly #alarm: CameraAlarm;
  readonly #threshold: number;
  readonly #features: ReferenceFeatures;
  readonly #profiles: readonly ContextProfile[];
  readonly #reference: AlarmReference;
  readonly #recent = new RecentObservations();
  #memory: StateMemory = AT_FIRST;
  #observations = 0;

  /**
   * @param falseAlarmsPerWeek > 0, at one observation a second
   * @param before a judge of the same camera with another reference: the state goes on, the evidence begins anew
   */
  constructor({ contexts, features }: JudgedReference, falseAlarmsPerWeek: number, before?: CameraJudge) {
    if (before !== undefined) this.#memory = before.#memory;
    this.#threshold = SECONDS_PER_WEEK / falseAlarmsPerWeek;
    this.#reference = alarmReference(contexts, features);
    this.#alarm = new CameraAlarm(this.#reference, this.#threshold);
    this.#features = features;
    this.#profiles = contexts.map(profileOf);
  }

  get state(): DriftState {
    return this.#memory.state;
  }

  /** @param observation in the order of `OBSERVED`, with its relief @returns whether the state changed */
  update(observation: Float64Array): boolean {
    this.#observations += 1;
    this.#alarm.update(observation);
    this.#recent.add(this.#alarm.values.all);
    const before = this.#memory.state;
    this.#memory = nextState(this.#memory, this.#alarm.evidence / this.#threshold);
    const { state } = this.#memory;
    // What an alarm left behind must not count towards the next one.
    if (state !== before && (state === 'recovering' || state === 'ok')) this.#alarm.reset();
    return state !== before;
  }

  verdict(): CameraVerdict {
    const { state } = this.#memory;
    const evidence = this.#alarm.evidence / this.#threshold;
    const profile = this.#profiles[this.#alarm.context];
    const context = this.#observations === 0 ? '' : (profile?.name ?? '');
    if (state === 'ok' || profile === undefined)
      return { state, evidence, sinceSeconds: 0, context, features: [], cause: null };
    const shares = this.#alarm.shares();
    const sinceSeconds = shares[0]?.age ?? 0;
    const count = Math.min(MAX_RECENT, Math.max(MIN_COMPARED, sinceSeconds));
    const placed = this.#place(count);
    const shifts = shiftsFrom(profile, this.#recent, count);
    const features = sharesOfObserved(shares, placed)
      .filter(({ share }) => share >= MIN_SHARE)
      .slice(0, MAX_NAMED)
      .flatMap(({ feature, share }) => this.#named(feature, share, profile, shifts[feature], count));
    const cause = causeOf(shifts, placed.sigmas, shares[0]?.feature);
    return { state, evidence, sinceSeconds, context, features, cause };
  }

  /** The mean of the newest observations as it looks from the context. */
  #place(count: number): Placed {
    const placed = new Placed(this.#reference.contexts[this.#alarm.context]!.space);
    placed.place(this.#recent.mean(count));
    return placed;
  }

  #named(
    feature: ObservedName,
    share: number,
    profile: ContextProfile,
    shift: Shift | undefined,
    count: number,
  ): NamedFeature[] {
    const bins = this.#features[feature]?.bins[profile.name];
    if (shift === undefined || bins === undefined) return [];
    const effect = effectOn(feature, profile, this.#recent.values(PLACE[feature], count), bins);
    return effect === null ? [] : [{ feature, share, ...shift, ...effect }];
  }
}

/** The share of a known change goes to the features that look like it. The highest first. */
function sharesOfObserved(
  shares: readonly FeatureShare[],
  placed: Placed,
): { readonly feature: ObservedName; readonly share: number }[] {
  const sums = new Map<ObservedName, number>();
  const add = (name: ObservedName, share: number): void => void sums.set(name, (sums.get(name) ?? 0) + share);
  for (const { feature, share } of shares) {
    const direction = directionOf(feature);
    if (direction === null) {
      if (isObserved(feature)) add(feature, share);
      continue;
    }
    const parts = placed.contributions(direction).map((part) => Math.max(0, part));
    const total = parts.reduce((sum, part) => sum + part, 0);
    if (total > 0) parts.forEach((part, i) => add(SPACE[i]!, (share * part) / total));
  }
  return Array.from(sums, ([feature, share]) => ({ feature, share })).sort((a, b) => b.share - a.share);
}

const isObserved = (name: AlarmedName): name is ObservedName => directionOf(name) === null;
