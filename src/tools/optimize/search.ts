import { holdsFloor, isFaster, isNotSlower, type Ranked } from './choose.ts';
import { estimateDrops } from './estimate.ts';
import type { Layer, Scheme } from './protocol.ts';
import type { Candidate, Plan } from './workshop.ts';

/** What the search needs to make and measure candidates. */
export interface SearchPort {
  try(plan: Plan): Promise<Candidate>;
  sensitivity(scheme: Scheme): Promise<readonly Layer[]>;
  /** False when the time for the search is used up. */
  hasTime(): boolean;
  /** Told before each candidate: how many more there are at most. */
  onCandidate(plan: Plan, remaining: number): void;
}

export interface SearchOptions {
  /** AP that may be lost, 0..1 */
  readonly maxApDrop: number;
  /** AP of the original on the search part, > 0 */
  readonly originalAp: number;
  /** plans of the graph as it came and of the clean one */
  readonly original: Plan;
  readonly clean: Plan;
  /** true where training left activation ranges in the model */
  readonly hasTrainedRanges: boolean;
}

export interface SearchResult {
  /** in the order in which they were tried; the original first */
  readonly ranked: readonly Ranked[];
  readonly layers: readonly Layer[];
  /** what the budget left out */
  readonly notTried: readonly string[];
}

type StaticScheme = Omit<Scheme, 'keepFloat'>;

const CPU: StaticScheme = {
  calibration: 'minmax',
  perChannel: true,
  equalize: false,
  biasCorrection: false,
  target: 'cpu',
  opTypes: 'all',
};

/** Ways to tell ranges of activations from calibration pictures, the most promising first. */
const CALIBRATIONS: readonly Pick<Scheme, 'calibration' | 'percentile'>[] = [
  { calibration: 'percentile', percentile: 99.99 },
  { calibration: 'minmax' },
  { calibration: 'entropy' },
  { calibration: 'percentile', percentile: 99.9 },
  { calibration: 'percentile', percentile: 99.999 },
];

/** Candidates that a search tries at most: what bisection and pruning need on a hundred layers, for both operator sets. */
const MOST_CANDIDATES = 60;
/** Tries of giving layers back to int8 after the bisection. */
const PRUNING_TRIES = 8;

/** A name that says what a scheme does, such as `int8-all-p99.99-bias-keep12`. */
export function schemeId(scheme: Scheme): string {
  const { calibration, percentile, opTypes, equalize, biasCorrection, keepFloat, target } = scheme;
  const parts = [
    target === 'tensorrt' ? 'int8-tensorrt' : `int8-${opTypes}`,
    calibration === 'percentile' ? `p${percentile ?? ''}` : calibration,
  ];
  if (equalize) parts.push('equalized');
  if (biasCorrection) parts.push('bias');
  if (keepFloat.length > 0) parts.push(`keep${keepFloat.length}`);
  return parts.join('-');
}

/**
 * Tries what may make a model smaller or faster, the most promising first, and says what each costs. Mixed precision is found by bisection over the layers,
 * the most sensitive kept in float first, and then by giving layers back to int8 one group after the other for as long as the floor holds.
 */
export class Search {
  readonly #port: SearchPort;
  readonly #options: SearchOptions;
  readonly #candidates: Candidate[] = [];
  readonly #byPlan = new Map<string, Candidate>();
  readonly #notTried: string[] = [];
  #layers: readonly Layer[] = [];

  constructor(port: SearchPort, options: SearchOptions) {
    this.#port = port;
    this.#options = options;
  }

  async run(): Promise<SearchResult> {
    const { original, clean } = this.#options;
    await this.#try(original, true);
    await this.#try(clean, true);
    await this.#try({ id: 'int8-weights', kind: 'weights' });
    const best = await this.#chooseCalibration();
    if (best !== null) await this.#mixed(best);
    await this.#try({ id: 'int8-dynamic', kind: 'dynamic' });
    await this.#try({ id: 'fp16', kind: 'half' });
    if (best !== null) await this.#tensorrt(best);
    return { ranked: this.#ranked(), layers: this.#layers, notTried: this.#notTried };
  }

  /** Everything in int8 by each calibration and with each correction: what disturbs least is the start for mixed precision. */
  async #chooseCalibration(): Promise<StaticScheme | null> {
    const ways = this.#options.hasTrainedRanges
      ? [{ calibration: 'trained' as const }, ...CALIBRATIONS]
      : CALIBRATIONS;
    let best: { scheme: StaticScheme; agreement: number } | null = null;
    const consider = async (scheme: StaticScheme): Promise<void> => {
      const candidate = await this.#tryScheme({ ...scheme, keepFloat: [] });
      const agreement = candidate?.accuracy?.agreement ?? -1;
      if (candidate?.failure === null && (best === null || agreement > best.agreement))
        best = { scheme, agreement };
    };
    for (const way of ways) await consider({ ...CPU, ...way });
    const start = (best as { scheme: StaticScheme } | null)?.scheme;
    if (start === undefined) return null;
    await consider({ ...start, biasCorrection: true });
    await consider({ ...start, equalize: true });
    await consider({ ...start, equalize: true, biasCorrection: true });
    return (best as { scheme: StaticScheme } | null)?.scheme ?? null;
  }

  async #mixed(scheme: StaticScheme): Promise<void> {
    if (!this.#port.hasTime()) {
      this.#notTried.push('mixed precision by sensitivity');
      return;
    }
    this.#layers = await this.#port.sensitivity({ ...scheme, keepFloat: [] });
    const order = [...this.#layers].sort((a, b) => (b.error ?? Infinity) - (a.error ?? Infinity));
    const names = order.map(({ node }) => node);
    for (const opTypes of ['all', 'conv'] as const) {
      const kept = await this.#bisect({ ...scheme, opTypes }, names);
      if (kept !== null) await this.#prune({ ...scheme, opTypes }, kept);
    }
  }

  /** The fewest of the most sensitive layers that have to stay in float for the floor; null where all of them are not enough. */
  async #bisect(scheme: StaticScheme, names: readonly string[]): Promise<readonly string[] | null> {
    let tooFew = -1;
    let enough = names.length;
    while (enough - tooFew > 1) {
      const middle = Math.floor((tooFew + enough) / 2);
      const candidate = await this.#tryScheme({ ...scheme, keepFloat: names.slice(0, middle) });
      if (candidate === null) return null;
      if (this.#holds(candidate)) enough = middle;
      else tooFew = middle;
    }
    return enough === names.length ? null : names.slice(0, enough);
  }

  /** Gives layers back to int8, those that disturb least first, in groups that become smaller where the floor breaks. */
  async #prune(scheme: StaticScheme, start: readonly string[]): Promise<void> {
    let kept = start;
    let group = Math.max(1, Math.ceil(kept.length / 4));
    let end = kept.length;
    for (let tries = 0; tries < PRUNING_TRIES && end > 0; tries += 1) {
      const from = Math.max(0, end - group);
      const fewer = [...kept.slice(0, from), ...kept.slice(end)];
      const candidate = await this.#tryScheme({ ...scheme, keepFloat: fewer });
      if (candidate === null) return;
      if (this.#holds(candidate)) {
        kept = fewer;
        end = from;
      } else if (group > 1) group = Math.ceil(group / 2);
      else end = from;
    }
  }

  /** The same precision as TensorRT wants it. How fast it is only the device can say. */
  async #tensorrt(scheme: StaticScheme): Promise<void> {
    const kept = this.#layers.length === 0 ? [] : (this.#best()?.keepFloat ?? []);
    await this.#tryScheme({ ...scheme, target: 'tensorrt', keepFloat: kept });
  }

  /** Scheme of the fastest candidate that holds the floor. */
  #best(): Scheme | null {
    const fast = this.#ranked()
      .filter((entry) => holdsFloor(entry, this.#options.maxApDrop) && isNotSlower(entry) && isFaster(entry))
      .sort((a, b) => (a.candidate.latency?.ratio ?? 1) - (b.candidate.latency?.ratio ?? 1));
    const plan = fast.find(({ candidate }) => candidate.plan.kind === 'static')?.candidate.plan;
    return plan?.kind === 'static' ? plan.scheme : null;
  }

  #tryScheme(scheme: Scheme): Promise<Candidate | null> {
    return this.#try({ id: schemeId(scheme), kind: 'static', scheme });
  }

  /** Null where there is no time left. Of two different plans of one name the second is numbered. */
  async #try(wanted: Plan, always = false): Promise<Candidate | null> {
    const key = JSON.stringify(wanted);
    const known = this.#byPlan.get(key);
    if (known !== undefined) return known;
    const namesakes = this.#candidates.filter(
      ({ plan }) => plan.id.replace(/#\d+$/, '') === wanted.id,
    ).length;
    const plan = namesakes === 0 ? wanted : { ...wanted, id: `${wanted.id}#${namesakes + 1}` };
    if (!always && !this.#port.hasTime()) {
      this.#notTried.push(plan.id);
      return null;
    }
    this.#port.onCandidate(plan, Math.max(0, MOST_CANDIDATES - this.#candidates.length));
    const candidate = await this.#port.try(plan);
    this.#candidates.push(candidate);
    this.#byPlan.set(key, candidate);
    return candidate;
  }

  #holds(candidate: Candidate): boolean {
    const entry = this.#ranked().find((ranked) => ranked.candidate === candidate);
    return entry !== undefined && holdsFloor(entry, this.#options.maxApDrop);
  }

  #ranked(): Ranked[] {
    return rank(this.#candidates, this.#options.originalAp);
  }
}

/** Candidates with what they probably cost; those that do not run come without hope. */
export function rank(candidates: readonly Candidate[], originalAp: number): Ranked[] {
  const runs = candidates.flatMap(({ accuracy }) => (accuracy === null ? [] : [accuracy]));
  const estimates = estimateDrops(runs, originalAp);
  let next = 0;
  return candidates.map((candidate) => ({
    candidate,
    estimate: candidate.accuracy === null ? { drop: 1, deviation: 0 } : estimates[next++]!,
  }));
}
