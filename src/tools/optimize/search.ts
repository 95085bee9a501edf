import type { Int8Arithmetic } from '../../contract/machine.ts';
import { holdsFloor, type Ranked } from './choose.ts';
import { estimateDrops } from './estimate.ts';
import type { StepKind, Steps } from './forecast.ts';
import { bisectionTries, Outlook, type Phase } from './outlook.ts';
import type { Layer, Scheme } from './protocol.ts';
import { CALIBRATIONS, CPU_SCHEME, schemeId, type BaseScheme } from './schemes.ts';
import type { Candidate, GivenPlan, Graph, Plan } from './candidate-builder.ts';

/** What the search needs to make and measure candidates. */
export interface SearchPort {
  try(plan: Plan): Promise<Candidate>;
  /** Empty if layers cannot be told apart. */
  sensitivity(scheme: Scheme): Promise<readonly Layer[]>;
  /** False when the time for the search does not allow another step of the kind. */
  hasTime(kind: StepKind): boolean;
  /** Told before each step, and what is expected to come after it. */
  onStep(kind: StepKind, name: string, left: Steps): void;
}

export interface SearchOptions {
  /** AP that may be lost, 0..1 */
  readonly maxApDrop: number;
  /** AP of the original on the search part, > 0 */
  readonly originalAp: number;
  /** plans of the graph as it came and of the clean one */
  readonly original: GivenPlan;
  readonly clean: GivenPlan;
  /** what 8-bit sums come to on this machine */
  readonly arithmetic: Int8Arithmetic;
  /** true if training left activation ranges in the model */
  readonly hasTrainedRanges: boolean;
}

export interface SearchResult {
  /** in the order in which they were tried; the original first */
  readonly ranked: readonly Ranked[];
  readonly layers: readonly Layer[];
  /** what the budget left out */
  readonly notTried: readonly string[];
}

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
 * Tries what may make a model smaller or faster, the surest first, and says what each costs: the float graph
 * with fewer operators and smaller weights, int8 by each calibration, mixed precision, int8 for TensorRT, and
 * the ways that seldom help on a CPU. Mixed precision is found by bisection over the layers, the most
 * sensitive kept in float first, with the corrections that raise agreement, and then by giving layers back to
 * int8 for as long as the floor holds and the latency falls.
 */
export class Search {
  readonly #port: SearchPort;
  readonly #options: SearchOptions;
  readonly #candidates: Candidate[] = [];
  readonly #byPlan = new Map<string, Candidate>();
  readonly #notTried: string[] = [];
  readonly #outlook: Outlook;
  #layers: readonly Layer[] = [];

  constructor(port: SearchPort, options: SearchOptions) {
    this.#port = port;
    this.#options = options;
    this.#outlook = new Outlook(this.#calibrationWays().length, options.arithmetic === 'exact');
  }

  async run(): Promise<SearchResult> {
    await this.#float();
    const calibrated = await this.#calibrations();
    const mixed = calibrated === null ? null : await this.#mixed(calibrated);
    this.#outlook.begin('TensorRT');
    if (calibrated !== null) await this.#tensorrt(mixed ?? calibrated);
    this.#outlook.begin('others');
    await this.#try({ id: 'int8-dynamic', kind: 'dynamic', saturationFree: this.#base.saturationFree });
    await this.#try({ id: 'fp16', kind: 'half' });
    return { ranked: this.#ranked(), layers: this.#layers, notTried: this.#notTried };
  }

  /** What is searched with: weights that fit this machine's arithmetic. */
  get #base(): BaseScheme {
    return { ...CPU_SCHEME, saturationFree: this.#options.arithmetic === 'saturating' };
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

  /**
   * Everything in int8 by each calibration: what agrees most is the start for mixed precision. Null if
   * none can be made.
   */
  async #calibrations(): Promise<Mixed | null> {
    this.#outlook.begin('calibrations');
    let best: Mixed | null = null;
    for (const way of this.#calibrationWays()) {
      best = better(best, await this.#tryMixed({ ...this.#base, ...way }, []));
      if (best !== null && this.#holds(best.candidate)) this.#expectAfter(best);
    }
    return best;
  }

  #calibrationWays(): readonly Pick<Scheme, 'calibration' | 'percentile'>[] {
    return this.#options.hasTrainedRanges
      ? [{ calibration: 'trained', percentile: 100 }, ...CALIBRATIONS]
      : CALIBRATIONS;
  }

  /** The fastest mix of int8 and float that was found to hold the floor; null if there is none. */
  async #mixed(whole: Mixed): Promise<Mixed | null> {
    const holds = this.#holds(whole.candidate);
    const names = await this.#bySensitivity(whole.scheme);
    if (names === null) return null;
    this.#begin('bisection', { int8: holds ? 0 : bisectionTries(names.length + 1) });
    const first = holds ? whole : await this.#bisect(whole.scheme, names, names.length);
    if (first === null) return null;
    let best = first;
    this.#expectAfter(best);
    this.#begin('improvement');
    const improved = await this.#improve(best);
    if (improved.scheme !== best.scheme) {
      this.#begin('second bisection', { [kindOf(improved)]: bisectionTries(improved.kept.length + 1) });
      best = (await this.#bisect(improved.scheme, names, improved.kept.length)) ?? best;
    }
    this.#begin('pruning', { [kindOf(best)]: pruningTries(best, PRUNING_TRIES) });
    best = await this.#prune(best, PRUNING_TRIES);
    this.#begin('convolutions', { [kindOf(best)]: 1 });
    const convolutions = await this.#tryMixed({ ...best.scheme, opTypes: 'conv' }, best.kept);
    if (convolutions !== null && this.#isBetter(convolutions, best)) {
      this.#begin('convolutions', { [kindOf(best)]: pruningTries(best, PRUNING_TRIES) });
      best = await this.#prune(convolutions, PRUNING_TRIES);
    }
    this.#begin('correction', { corrected: correctedTries(best) });
    best = await this.#correctBiases(best);
    this.#begin('packing', { [kindOf(best)]: best.kept.length === 0 ? 0 : 1 });
    await this.#pack(best);
    this.#begin('every CPU');
    if (!best.scheme.saturationFree) await this.#everyCpu(best, first.kept, names);
    return best;
  }

  /** Expects what comes after a mix that holds the floor. */
  #expectAfter(mixed: Mixed): void {
    const { length } = mixed.kept;
    const outlook = this.#outlook;
    outlook.expect('bisection', {});
    outlook.expect('improvement', {
      int8: length === 0 ? 0 : this.#calibrationWays().length - 1,
      equalized: 1,
    });
    outlook.expect('second bisection', { int8: 0.5 * bisectionTries(length + 1) });
    outlook.expect('pruning', { int8: pruningTries(mixed, PRUNING_TRIES) });
    outlook.expect('correction', { corrected: correctedTries(mixed) });
    outlook.expect('packing', { int8: length === 0 ? 0 : 1 });
    if (!mixed.scheme.saturationFree) outlook.expect('every CPU', { int8: length === 0 ? 1 : 3 });
  }

  /** Names of the layers, the most sensitive first; null if there is no time to tell. */
  async #bySensitivity(scheme: BaseScheme): Promise<readonly string[] | null> {
    if (!this.#port.hasTime('sensitivity')) {
      this.#notTried.push('mixed precision by sensitivity');
      if (!scheme.saturationFree) this.#notTried.push('int8 that computes the same on every CPU');
      return null;
    }
    this.#begin('sensitivity');
    this.#step('sensitivity', 'sensitivity by layer');
    this.#layers = await this.#port.sensitivity({ ...scheme, keepFloat: [] });
    const order = [...this.#layers].sort((a, b) => (b.error ?? Infinity) - (a.error ?? Infinity));
    return order.map(({ node }) => node);
  }

  #begin(phase: Phase, steps?: Steps): void {
    this.#outlook.begin(phase, steps);
  }

  /** Layers that stay in float keep their weights in int8. */
  async #pack({ scheme, kept }: Mixed): Promise<void> {
    if (kept.length > 0) await this.#tryMixed({ ...scheme, packFloat: true }, kept);
  }

  /**
   * The same mix with weights that no CPU saturates, for those without VNNI. Where it loses too much, as many
   * more of the most sensitive layers stay in float as the floor asks for. Where only few images tell what is
   * lost, the choice part contradicts some: with `spare` in float there is a second one.
   */
  async #everyCpu(best: Mixed, spare: readonly string[], names: readonly string[]): Promise<void> {
    const scheme = { ...best.scheme, saturationFree: true };
    let mixed = await this.#tryMixed(scheme, best.kept);
    if (mixed === null) return;
    if (!this.#holds(mixed.candidate)) {
      const order = [...best.kept, ...names.filter((name) => !best.kept.includes(name))];
      this.#begin('every CPU', { [kindOf(best)]: bisectionTries(order.length - best.kept.length) });
      mixed = await this.#bisect(scheme, order, order.length, best.kept.length);
      if (mixed === null) return;
    }
    await this.#pack(mixed);
    if (spare.length > mixed.kept.length) await this.#tryMixed(scheme, spare);
  }

  /**
   * The fewest of the most sensitive layers that have to stay in float for the floor, more than `known` and
   * `most` at most; null if these are not enough.
   */
  async #bisect(
    scheme: BaseScheme,
    names: readonly string[],
    most: number,
    known = -1,
  ): Promise<Mixed | null> {
    let best: Mixed | null = null;
    let tooFew = known;
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
   * What agrees most where the bisection ended: ranges that suit a network with its most sensitive layers in
   * int8 are others than those that suit the rest.
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

  /**
   * Bias correction, which takes long, for the best mix alone; what it gains in accuracy may let another
   * layer go to int8.
   */
  async #correctBiases(best: Mixed): Promise<Mixed> {
    const corrected = await this.#tryMixed({ ...best.scheme, biasCorrection: true }, best.kept);
    if (corrected === null || !this.#holds(corrected.candidate)) return best;
    return this.#moreAlike(best, corrected) === best ? best : this.#prune(corrected, CORRECTED_TRIES);
  }

  /**
   * Gives layers back to int8, those that disturb least first, in groups that become smaller where the floor
   * breaks or nothing is gained.
   */
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
  async #tensorrt({ scheme, kept }: Mixed): Promise<void> {
    const target: BaseScheme = {
      ...scheme,
      ...{ target: 'tensorrt', packFloat: false, saturationFree: false },
    };
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

  /** Null if it cannot be made, or there is no time left. */
  async #tryMixed(scheme: BaseScheme, kept: readonly string[]): Promise<Mixed | null> {
    const whole: Scheme = { ...scheme, keepFloat: kept };
    const candidate = await this.#try({ id: schemeId(whole), kind: 'static', scheme: whole });
    return candidate?.failure === null ? { scheme, kept, candidate } : null;
  }

  /** Null if there is no time left. Of two different plans of one name the second is numbered. */
  async #try(wanted: Plan, always = false): Promise<Candidate | null> {
    const key = JSON.stringify(wanted);
    const known = this.#byPlan.get(key);
    if (known !== undefined) return known;
    const namesakes = this.#candidates.filter(
      ({ plan }) => plan.id.replace(/#\d+$/, '') === wanted.id,
    ).length;
    const plan = namesakes === 0 ? wanted : { ...wanted, id: `${wanted.id}#${namesakes + 1}` };
    const kind = stepKindOf(plan);
    if (!always && !this.#port.hasTime(kind)) {
      this.#notTried.push(plan.id);
      return null;
    }
    this.#step(kind, plan.id);
    const candidate = await this.#port.try(plan);
    this.#candidates.push(candidate);
    this.#byPlan.set(key, candidate);
    return candidate;
  }

  #step(kind: StepKind, name: string): void {
    this.#outlook.take(kind);
    this.#port.onStep(kind, name, this.#outlook.left());
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

/** What a plan costs to try. */
function stepKindOf(plan: Plan): StepKind {
  if (plan.kind !== 'static') return 'float';
  if (plan.scheme.biasCorrection) return 'corrected';
  return plan.scheme.equalize ? 'equalized' : 'int8';
}

function kindOf({ candidate: { plan } }: Mixed): StepKind {
  return stepKindOf(plan);
}

/** Tries that pruning takes at most. */
function pruningTries({ kept }: Mixed, most: number): number {
  return Math.min(most, 2 * kept.length);
}

/** Tries that the correction of biases takes: seldom does it let another layer go to int8. */
function correctedTries({ kept }: Mixed): number {
  return kept.length === 0 ? 1 : 1.3;
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
