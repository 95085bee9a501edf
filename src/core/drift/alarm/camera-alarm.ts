import { PLACE } from '../observe/observed.ts';
import { PatternWatch } from '../observe/pattern-watch.ts';
import { reliefOf, type ReliefProfile } from '../observe/relief.ts';
import { SpecksWatch } from '../observe/specks-watch.ts';
import { ContextFilter } from '../space/context-filter.ts';
import type { ContextSpace } from '../space/context-space.ts';
import { dot } from '../space/cholesky.ts';
import { DIRECTIONS } from '../space/signatures.ts';
import { ALARMED, directionOf, SILENT, type AlarmedName } from './alarmed.ts';
import { AlarmedValues } from './alarmed-values.ts';
import { binOf } from './bins.ts';
import { FeatureAlarm } from './feature-alarm.ts';
import type { PlaceFilter } from './place-filter.ts';
import { NewestValues, type BlockSpread } from './support.ts';

/** Less evidence than this may be unsupported: it decides nothing. */
const UNSUPPORTED = 100;
/** Evidence goes up to this multiple of what an alarm needs. */
const HEADROOM = 10;

/** Bins of a feature in a context, and how likely each is there. */
export interface ContextBins {
  readonly edges: readonly number[];
  readonly probabilities: readonly number[];
}

/** A declared-good context as the alarm needs it. */
export interface AlarmContext {
  readonly name: string;
  readonly space: ContextSpace;
  /** null if it was made without a relief: then it has none of `OF_CONTEXT` */
  readonly relief: ReliefProfile | null;
  /** in the order of `ALARMED`; null for a feature that takes no part */
  readonly bins: readonly (ContextBins | null)[];
  /** in the order of `ALARMED` */
  readonly spreads: readonly (readonly BlockSpread[])[];
  /** in the order of `DIRECTIONS`; null for one without */
  readonly places: readonly (PlaceFilter | null)[];
}

/** A reference as the alarm needs it. */
export interface AlarmReference {
  readonly contexts: readonly AlarmContext[];
  /** see `calibrate`; a feature without one takes no part */
  readonly discounts: Readonly<Partial<Record<AlarmedName, number>>>;
}

/** The share of a feature in the evidence. */
export interface FeatureShare {
  readonly feature: AlarmedName;
  /** 0..1 */
  readonly share: number;
  /** observations since its evidence was last near 0 */
  readonly age: number;
}

interface AlarmedFeature {
  readonly name: AlarmedName;
  /** place in `ALARMED` */
  readonly at: number;
  readonly alarm: FeatureAlarm;
  readonly newest: NewestValues;
  /** of a known change: its place in `DIRECTIONS`, or -1, and the newest values of the filter against other places */
  readonly direction: number;
  readonly amongPlaces: NewestValues;
}

/** Evidence that a camera shows none of the contexts of its reference: the mean over features. */
export class CameraAlarm {
  readonly #contexts: readonly AlarmContext[];
  readonly #patterns: readonly (PatternWatch | null)[];
  readonly #specks: readonly (SpecksWatch | null)[];
  readonly #values: readonly AlarmedValues[];
  readonly #filter: ContextFilter;
  readonly #features: readonly AlarmedFeature[];
  #context = 0;
  #evidence = 0;

  /** @param threshold what an alarm needs: the mean number of observations between false alarms */
  constructor({ contexts, discounts }: AlarmReference, threshold: number) {
    this.#contexts = contexts;
    this.#patterns = contexts.map(({ relief }) => (relief === null ? null : new PatternWatch(relief)));
    this.#specks = contexts.map(({ relief }) => (relief === null ? null : new SpecksWatch(relief)));
    this.#values = contexts.map(({ space }) => new AlarmedValues(space));
    this.#filter = new ContextFilter(contexts.length);
    const names = ALARMED.filter((name) => discounts[name] !== undefined && !SILENT.has(name));
    const highest = threshold * names.length * HEADROOM;
    this.#features = names.map((name) => {
      const alarm = new FeatureAlarm(discounts[name] ?? 0, highest);
      const direction = DIRECTIONS.findIndex((one) => one === directionOf(name));
      const [newest, amongPlaces] = [new NewestValues(), new NewestValues()];
      return { name, at: ALARMED.indexOf(name), alarm, newest, direction, amongPlaces };
    });
  }

  /** @param observation in the order of `OBSERVED`, with its relief; what was not measured (NaN) is no evidence */
  update(observation: Float64Array): void {
    const relief = reliefOf(observation);
    this.#values.forEach((values, k) => values.update(observation, this.#patterns[k]?.update(relief) ?? NaN));
    const context = this.#filter.update(this.#values.map(({ placed }) => placed.distance));
    if (context !== this.#context) {
      for (const { alarm, newest, amongPlaces } of this.#features) {
        alarm.forget();
        newest.clear();
        amongPlaces.clear();
      }
      // what was there before, seen by another light, is stuck nowhere
      this.#specks[context]?.clear();
    }
    this.#context = context;
    this.values.all[PLACE.specks] = this.#specks[context]?.update(relief) ?? NaN;
    this.#gather();
  }

  #gather(): void {
    const { bins, spreads, places } = this.#contexts[this.#context]!;
    const { all, placed } = this.values;
    let sum = 0;
    for (const { at, alarm, newest, direction, amongPlaces } of this.#features) {
      const value = all[at]!;
      const of = bins[at] ?? null;
      if (!Number.isNaN(value) && of !== null) {
        newest.add(value);
        const filter = places[direction] ?? null;
        if (filter !== null) amongPlaces.add(dot(filter.weights, placed.sigmas, placed.sigmas.length));
        alarm.update(binOf(of.edges, value), of.probabilities);
        if (alarm.evidence > UNSUPPORTED) {
          const byPlaces = filter === null ? 0 : amongPlaces.support([filter.spread]);
          alarm.limit(Math.max(byPlaces, newest.support(spreads[at]!)));
        }
      }
      sum += alarm.evidence;
    }
    this.#evidence = this.#features.length === 0 ? 0 : sum / this.#features.length;
  }

  /** The mean of R over features. */
  get evidence(): number {
    return this.#evidence;
  }

  /** Index of the context that the camera is most likely in. */
  get context(): number {
    return this.#context;
  }

  /** The newest observation as it looks from that context. */
  get values(): AlarmedValues {
    return this.#values[this.#context]!;
  }

  /** Features by their share in the evidence, the highest first. */
  shares(): FeatureShare[] {
    const total = this.#features.reduce((sum, { alarm }) => sum + alarm.evidence, 0);
    return this.#features
      .map(({ name, alarm }) => ({
        feature: name,
        share: total > 0 ? alarm.evidence / total : 0,
        age: alarm.age,
      }))
      .sort((a, b) => b.share - a.share);
  }

  reset(): void {
    for (const { alarm } of this.#features) alarm.reset();
    this.#evidence = 0;
  }
}
