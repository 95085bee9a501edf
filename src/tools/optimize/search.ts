import type { Int8Arithmetic } from '../../contract/machine.ts';
import { holdsFloor, type Ranked } from './choose.ts';
import { estimateDrops } from './estimate.ts';
import type { StepKind, Steps } from './forecast.ts';
import { bisectionTries, Outlook, type Phase } from './outlook.ts';
import type { Layer, Scheme } from './quantizer-messages.ts';
import { CALIBRATIONS, CPU_SCHEME, schemeId, type BaseScheme } from './schemes.ts';
import type { Candidate, GivenPlan, Graph, Plan } from './candidate-builder.ts';

/** What the search needs to make and measure candidates. */
export interface SearchPort {
  try(plan: Plan): Promise<Candidate>;
  /** The sensitivity of the layers; empty if it cannot be determined. */
  sensitivity(scheme: Scheme): Promise<readonly Layer[]>;
  /** False if the time budget does not allow another step of the kind. */
  hasTime(kind: StepKind): boolean;
  /** Called before each step, with the steps expected after it. */
  onStep(kind: StepKind, name: string, left: Steps): void;
}

export interface SearchOptions {
  /** AP that may be lost, 0..1 */
  readonly maxApDrop: number;
  /** AP of the original on the search part, > 0 */
  readonly originalAp: number;
  /** plans of the source graph and the cleaned one */
  readonly original: GivenPlan;
  readonly clean: GivenPlan;
  /** 8-bit arithmetic of this machine */
  readonly arithmetic: Int8Arithmetic;
  /** true if training left activation ranges in the model */
  readonly hasTrainedRanges: boolean;
}

export interface SearchResult {
  /** in the order in which they were tried, the original first */
  readonly ranked: readonly Ranked[];
  readonly layers: readonly Layer[];
  /** candidates skipped for lack of time */
  readonly notTried: readonly string[];
}

/** Number of tries to move layers back to int8 after the bisection. */
const PRUNING_TRIES = 8;
/** The same after bias correction. */
const CORRECTED_TRIES = 3;
/** Gain in agreement that justifies another bisection with another scheme. */
const WORTH_AGREEMENT = 0.002;
/** Latency ratio that pruning must reach to be kept. */
const WORTH_LATENCY = 0.99;

/** A scheme with the layers that stay in float, and the resulting candidate. */
interface Mixed {
  readonly scheme: BaseScheme;
  readonly kept: readonly string[];
  readonly candidate: Candidate;
}

/**
 * Tries what may make a model smaller or faster, the most promising first, and estimates the loss of each:
 * the float graph with fewer operators and smaller weights, int8 with each calibration, mixed precision, int8
 * for TensorRT, and methods that seldom help on a CPU. Mixed precision is found by bisection over the layers,
 * the most sensitive kept in float first, with the corrections that raise agreement, and then by moving
 * layers back to int8 as long as the loss stays within the floor and the latency falls.
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
    this.#outlook = new Outlook(this.#calibrationWays().length, options.arithmetic);
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

  /** The base scheme of the search, with weights that fit this machine's arithmetic. */
  get #base(): BaseScheme {
    return { ...CPU_SCHEME, saturationFree: this.#options.arithmetic === 'saturating' };
  }

  /** The same computation with fewer operators, and with smaller weights. */
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
   * Everything in int8 with each calibration. The one that agrees most is the start for mixed precision. Null
   * if none can be made.
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

  /** The fastest mix of int8 and float within the floor; null if there is none. */
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
    this.#begin('other CPUs');
    if (best.scheme.saturationFree)
      await this.#tryMixed({ ...best.scheme, saturationFree: false }, best.kept);
    else await this.#everyCpu(best, first.kept, names);
    return best;
  }

  /** Updates the outlook after a mix within the floor. */
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
    outlook.expect('other CPUs', { int8: mixed.scheme.saturationFree || length === 0 ? 1 : 3 });
  }

  /** Names of the layers, the most sensitive first; null if there is no time to measure. */
  async #bySensitivity(scheme: BaseScheme): Promise<readonly string[] | null> {
    if (!this.#port.hasTime('sensitivity')) {
      this.#notTried.push('mixed precision by sensitivity');
      this.#notTried.push(
        scheme.saturationFree
          ? 'int8 for CPUs with exact 8-bit sums'
          : 'int8 that computes the same on every CPU',
      );
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

  /** The same mix, with the weights of float layers stored as int8. */
  async #pack({ scheme, kept }: Mixed): Promise<void> {
    if (kept.length > 0) await this.#tryMixed({ ...scheme, packFloat: true }, kept);
  }

  /**
   * The same mix with weights that saturate on no CPU, for those without VNNI. If it loses too much, more of
   * the most sensitive layers stay in float, as many as the floor requires. With few images the choice part
   * may contradict it, so a second one is made with `spare` in float.
   */
  async #everyCpu(best: Mixed, spare: readonly string[], names: readonly string[]): Promise<void> {
    const scheme = { ...best.scheme, saturationFree: true };
    let mixed = await this.#tryMixed(scheme, best.kept);
    if (mixed === null) return;
    if (!this.#holds(mixed.candidate)) {
      const order = [...best.kept, ...names.filter((name) => !best.kept.includes(name))];
      this.#begin('other CPUs', { [kindOf(best)]: bisectionTries(order.length - best.kept.length) });
      mixed = await this.#bisect(scheme, order, order.length, best.kept.length);
      if (mixed === null) return;
    }
    await this.#pack(mixed);
    if (spare.length > mixed.kept.length) await this.#tryMixed(scheme, spare);
  }

  /**
   * The smallest number of most sensitive layers that must stay in float for the floor, more than `known` and
   * at most `most`; null if that is not enough.
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
   * The scheme that agrees most at the end of the bisection: the best ranges for the whole network in int8
   * are not the best once its most sensitive layers are in float.
   */
  async #improve(start: Mixed): Promise<Mixed> {
    let best = start;
    for (const way of this.#calibrationWays()) {
      best = this.#moreAlike(best, await this.#tryMixed({ ...start.scheme, ...way }, start.kept));
    }
    return this.#moreAlike(best, await this.#tryMixed({ ...best.scheme, equalize: true }, start.kept));
  }

  /** The second if it agrees enough more to be worth the change. */
  #moreAlike(one: Mixed, other: Mixed | null): Mixed {
    return other !== null && agreement(other) > agreement(one) + WORTH_AGREEMENT ? other : one;
  }

  /**
   * Bias correction, which is slow, for the best mix only. The accuracy that it gains may allow another layer
   * in int8.
   */
  async #correctBiases(best: Mixed): Promise<Mixed> {
    const corrected = await this.#tryMixed({ ...best.scheme, biasCorrection: true }, best.kept);
    if (corrected === null || !this.#holds(corrected.candidate)) return best;
    return this.#moreAlike(best, corrected) === best ? best : this.#prune(corrected, CORRECTED_TRIES);
  }

  /**
   * Moves layers back to int8, the least sensitive first, in groups that shrink if the floor is missed or
   * nothing is gained.
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

  /** The same mix in the form that TensorRT requires. Its speed can only be measured on the device. */
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

  /** Null if there is no time left. If two different plans have the same name, the second is numbered. */
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

/** The kind of step that a plan is. */
function stepKindOf(plan: Plan): StepKind {
  if (plan.kind !== 'static') return 'float';
  if (plan.scheme.biasCorrection) return 'corrected';
  return plan.scheme.equalize ? 'equalized' : 'int8';
}

function kindOf({ candidate: { plan } }: Mixed): StepKind {
  return stepKindOf(plan);
}

/** Maximum number of pruning tries. */
function pruningTries({ kept }: Mixed, most: number): number {
  return Math.min(most, 2 * kept.length);
}

/** Number of tries after bias correction, which seldom allows another layer in int8. */
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

/** Candidates with their estimated loss. Those that do not run count as a total loss. */
export function rank(candidates: readonly Candidate[], originalAp: number): Ranked[] {
  const runs = candidates.flatMap(({ accuracy }) => (accuracy === null ? [] : [accuracy]));
  const estimates = estimateDrops(runs, originalAp);
  let next = 0;
  return candidates.map((candidate) => ({
    candidate,
    estimate: candidate.accuracy === null ? { drop: 1, deviation: 0 } : estimates[next++]!,
  }));
}
