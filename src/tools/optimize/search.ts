import { holdsFloor, type Ranked } from './choose.ts';
import { estimateDrops } from './estimate.ts';
import type { Layer, Scheme } from './protocol.ts';
import { CALIBRATIONS, CPU_SCHEME, schemeId, type BaseScheme } from './schemes.ts';
import type { Candidate, GivenPlan, Graph, Plan } from './workshop.ts';

/** What the search needs to make and measure candidates. */
export interface SearchPort {
  try(plan: Plan): Promise<Candidate>;
  /** Empty where layers cannot be told apart. */
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
  readonly original: GivenPlan;
  readonly clean: GivenPlan;
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

/** Candidates that a search usually tries; for the estimate of the time that is left. */
const USUAL_CANDIDATES = 45;
/** Tries of giving layers back to int8 after the bisection. */
const PRUNING_TRIES = 8;
/** The same once biases are corrected. */
const CORRECTED_TRIES = 3;
/** Agreement that another scheme has to gain to be worth another bisection. */
const WORTH_AGREEMENT = 0.002;
/** Latency that pruning has to gain to be kept. */
const WORTH_LATENCY = 0.99;

/** Layers that stay in float with a scheme, and the candidate that came of it. */
interface Mixed {
  readonly scheme: BaseScheme;
  readonly kept: readonly string[];
  readonly candidate: Candidate;
}

/**
 * Tries what may make a model smaller or faster, the surest first, and says what each costs: the float graph with fewer operators and smaller
 * weights, int8 by each calibration, mixed precision, int8 for TensorRT, and the ways that seldom help on a CPU. Mixed precision is found by bisection over
 * the layers, the most sensitive kept in float first, with the corrections that raise agreement, and then by giving layers back to int8
 * for as long as the floor holds and the latency falls.
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
    await this.#float();
    const calibrated = await this.#calibrations();
    const mixed = calibrated === null ? null : await this.#mixed(calibrated);
    if (calibrated !== null) await this.#tensorrt(mixed ?? { scheme: calibrated, kept: [] });
    await this.#try({ id: 'int8-dynamic', kind: 'dynamic' });
    await this.#try({ id: 'fp16', kind: 'half' });
    return { ranked: this.#ranked(), layers: this.#layers, notTried: this.#notTried };
  }

  /** The same computation with fewer operators, and with weights that take less room. */
  async #float(): Promise<void> {
    const { original, clean } = this.#options;
    await this.#try(original, true);
    await this.#try(clean, true);
    await this.#try({ id: 'polished', kind: 'polish' });
    const from = this.#fastestFloat();
    await this.#try({ id: 'int8-weights', kind: 'weights', storage: 'int8', from });
    await this.#try({ id: 'fp16-weights', kind: 'weights', storage: 'half', from });
  }

  /** The faster of the clean and the polished graph. */
  #fastestFloat(): Graph {
    const floats = this.#candidates.filter(({ plan, graph }) => graph !== null && plan.kind !== 'original');
    const [best] = floats.sort((a, b) => latencyRatio(a) - latencyRatio(b));
    return best?.graph ?? this.#options.clean.graph;
  }

  /** Everything in int8 by each calibration: what agrees most is the start for mixed precision. Null where none can be made. */
  async #calibrations(): Promise<BaseScheme | null> {
    let best: Mixed | null = null;
    for (const way of this.#calibrationWays()) {
      best = better(best, await this.#tryMixed({ ...CPU_SCHEME, ...way }, []));
    }
    return best?.scheme ?? null;
  }

  #calibrationWays(): readonly Pick<Scheme, 'calibration' | 'percentile'>[] {
    return this.#options.hasTrainedRanges
      ? [{ calibration: 'trained', percentile: 100 }, ...CALIBRATIONS]
      : CALIBRATIONS;
  }

  /** The fastest mix of int8 and float that was found to hold the floor; null where there is none. */
  async #mixed(calibrated: BaseScheme): Promise<Mixed | null> {
    if (!this.#port.hasTime()) {
      this.#notTried.push('mixed precision by sensitivity');
      return null;
    }
    this.#layers = await this.#port.sensitivity({ ...calibrated, keepFloat: [] });
    const order = [...this.#layers].sort((a, b) => (b.error ?? Infinity) - (a.error ?? Infinity));
    const names = order.map(({ node }) => node);
    let best = await this.#bisect(calibrated, names, names.length);
    if (best === null) return null;
    const improved = await this.#improve(best);
    if (improved.scheme !== best.scheme) {
      best = (await this.#bisect(improved.scheme, names, improved.kept.length)) ?? best;
    }
    best = await this.#prune(best, PRUNING_TRIES);
    const convolutions = await this.#tryMixed({ ...best.scheme, opTypes: 'conv' }, best.kept);
    if (convolutions !== null && this.#isBetter(convolutions, best)) {
      best = await this.#prune(convolutions, PRUNING_TRIES);
    }
    best = await this.#correctBiases(best);
    await this.#tryMixed({ ...best.scheme, packFloat: true }, best.kept);
    return best;
  }

  /** The fewest of the most sensitive layers that have to stay in float for the floor, `most` at most; null where these are not enough. */
  async #bisect(scheme: BaseScheme, names: readonly string[], most: number): Promise<Mixed | null> {
    let best: Mixed | null = null;
    let tooFew = -1;
    // all layers in float is the float graph
    let enough = Math.min(most + 1, names.length);
    while (enough - tooFew > 1) {
      const middle = Math.floor((tooFew + enough) / 2);
      const mixed = await this.#tryMixed(scheme, names.slice(0, middle));
      if (mixed === null) break;
      if (this.#holds(mixed.candidate)) [enough, best] = [middle, mixed];
      else tooFew = middle;
    }
    return best;
  }

  /**
   * What agrees most where the bisection ended: ranges that suit a network with its most sensitive layers in int8 are others than those that suit
   * the rest.
   */
  async #improve(start: Mixed): Promise<Mixed> {
    let best = start;
    for (const way of this.#calibrationWays()) {
      best = this.#moreAlike(best, await this.#tryMixed({ ...start.scheme, ...way }, start.kept));
    }
    return this.#moreAlike(best, await this.#tryMixed({ ...best.scheme, equalize: true }, start.kept));
  }

  /** The second where it agrees so much more that it is worth the change. */
  #moreAlike(one: Mixed, other: Mixed | null): Mixed {
    return other !== null && agreement(other) > agreement(one) + WORTH_AGREEMENT ? other : one;
  }

  /** Bias correction, which takes long, for the best mix alone; what it gains in accuracy may let another layer go to int8. */
  async #correctBiases(best: Mixed): Promise<Mixed> {
    const corrected = await this.#tryMixed({ ...best.scheme, biasCorrection: true }, best.kept);
    if (corrected === null || !this.#holds(corrected.candidate)) return best;
    return this.#moreAlike(best, corrected) === best ? best : this.#prune(corrected, CORRECTED_TRIES);
  }

  /** Gives layers back to int8, those that disturb least first, in groups that become smaller where the floor breaks or nothing is gained. */
  async #prune(start: Mixed, most: number): Promise<Mixed> {
    let best = start;
    let group = Math.max(1, Math.ceil(best.kept.length / 4));
    let end = best.kept.length;
    for (let tries = 0; tries < most && end > 0; tries += 1) {
      const from = Math.max(0, end - group);
      const fewer = [...best.kept.slice(0, from), ...best.kept.slice(end)];
      const mixed = await this.#tryMixed(best.scheme, fewer);
      if (mixed === null) break;
      if (this.#isBetter(mixed, best)) [best, end] = [mixed, from];
      else if (group > 1) group = Math.ceil(group / 2);
      else end = from;
    }
    return best;
  }

  /** The same precision as TensorRT wants it. How fast it is only the device can say. */
  async #tensorrt({ scheme, kept }: Pick<Mixed, 'scheme' | 'kept'>): Promise<void> {
    const target: BaseScheme = { ...scheme, target: 'tensorrt', packFloat: false };
    const first = await this.#tryMixed(target, kept);
    // symmetric ranges are coarser: more layers may have to stay in float
    if (first === null || this.#holds(first.candidate) || this.#layers.length === 0) return;
    const order = [...this.#layers].sort((a, b) => (b.error ?? Infinity) - (a.error ?? Infinity));
    for (const share of [0.1, 0.25, 0.5]) {
      const more = order.slice(0, Math.ceil(share * order.length)).map(({ node }) => node);
      const mixed = await this.#tryMixed(target, [...new Set([...kept, ...more])]);
      if (mixed === null || this.#holds(mixed.candidate)) return;
    }
  }

  /** Null where it cannot be made, or there is no time left. */
  async #tryMixed(scheme: BaseScheme, kept: readonly string[]): Promise<Mixed | null> {
    const whole: Scheme = { ...scheme, keepFloat: kept };
    const candidate = await this.#try({ id: schemeId(whole), kind: 'static', scheme: whole });
    return candidate?.failure === null ? { scheme, kept, candidate } : null;
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
    this.#port.onCandidate(plan, Math.max(1, USUAL_CANDIDATES - this.#candidates.length));
    const candidate = await this.#port.try(plan);
    this.#candidates.push(candidate);
    this.#byPlan.set(key, candidate);
    return candidate;
  }

  #isBetter(mixed: Mixed, than: Mixed): boolean {
    const faster = latencyRatio(mixed.candidate) < WORTH_LATENCY * latencyRatio(than.candidate);
    return faster && this.#holds(mixed.candidate);
  }

  #holds(candidate: Candidate): boolean {
    const entry = this.#ranked().find((ranked) => ranked.candidate === candidate);
    return entry !== undefined && holdsFloor(entry, this.#options.maxApDrop);
  }

  #ranked(): Ranked[] {
    return rank(this.#candidates, this.#options.originalAp);
  }
}

function latencyRatio({ latency }: Candidate): number {
  return latency?.ratio ?? Infinity;
}

function agreement({ candidate }: Mixed): number {
  return candidate.accuracy?.agreement ?? 0;
}

/** The one that agrees more with the original. */
function better(one: Mixed | null, other: Mixed | null): Mixed | null {
  if (one === null || other === null) return one ?? other;
  return agreement(other) > agreement(one) ? other : one;
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
