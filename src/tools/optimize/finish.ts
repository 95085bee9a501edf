import type { GraphClaims } from '../../model/bundle.ts';
import {
  byLatency,
  fastestFirst,
  holdsFloor,
  isFaster,
  isNotSlower,
  isSmaller,
  smallestFirst,
  type Ranked,
} from './choose.ts';
import type { Judge, JudgedModel, PartAccuracy } from './judge.ts';
import { measureLatencies, ratioOfThreads } from './latency.ts';
import { readGraph } from './source-model.ts';
import { needsExactInt8 } from './candidate-builder.ts';

/** Rounds and runs per round of the final latency measurement. */
export const FINAL_LATENCY = { rounds: 20, runs: 6 } as const;

/**
 * Number of fast and small candidates to evaluate on the choice part. A small choice part contradicts many.
 */
const MAX_FAST = 12;
const MAX_SMALL = 6;
/** Number of candidates among them, or added to them, that compute the same on every CPU. */
const MAX_PORTABLE = 4;
/** Number of candidates for CPUs with exact sums, if this one saturates. */
const MAX_EXACT = 2;
/** Number of them that are timed again, all together. */
const MAX_TIMED = 5;
const MAX_TIMED_SMALL = 2;
const MAX_TIMED_PORTABLE = 2;

/** A candidate with its accuracy on the choice part. */
export interface Finalist extends Ranked {
  readonly trial: PartAccuracy;
  /** true if the drop on the choice part is within the floor too */
  readonly confirmed: boolean;
}

/** A chosen finalist with its accuracy on the final part, which played no role in choosing. */
export interface Reported extends Finalist {
  readonly final: PartAccuracy;
}

export interface FinishOptions {
  readonly maxApDrop: number;
  readonly maxLatencyMs: number | null;
  readonly claims: GraphClaims;
  readonly threads: number;
  readonly signal: AbortSignal;
}

/** The variants for the bundle, and what was measured on the way. */
export interface Choice<Taken extends Finalist = Reported> {
  readonly original: Taken;
  /** every finalist, the original first */
  readonly finalists: readonly Finalist[];
  readonly fastest: Taken;
  /**
   * the fastest 8-bit variant that computes the same on every CPU; null if `fastest` is that, or there is
   * none
   */
  readonly portable: Taken | null;
  /**
   * on a CPU whose 8-bit sums saturate, the most accurate that needs exact ones, for other CPUs; null if it
   * is no more accurate than `fastest`, or there is none. Its latency is unknown
   */
  readonly exact: Taken | null;
  /** null if it is also the fastest, or saves nothing */
  readonly smallest: Taken | null;
  /** for float providers; null if the fastest is float */
  readonly float: Taken | null;
  /** for TensorRT; null if none is within the floor */
  readonly tensorrt: Taken | null;
  /** finalists that looked good in the search but lost too much on the choice part */
  readonly contradicted: readonly Finalist[];
  /** null if there is no target; else whether the fastest meets it */
  readonly meetsLatency: boolean | null;
}

/** True if the plan is only for TensorRT, where its CPU latency means nothing. */
export function isTensorrt({ candidate: { plan } }: Ranked): boolean {
  return plan.kind === 'static' && plan.scheme.target === 'tensorrt';
}

/**
 * Evaluates the best candidates on the choice part, times the confirmed ones again side by side, and chooses.
 * The chosen ones are then evaluated on the final part: the best of many looks better on the part that it was
 * chosen by than it is, so a reliable result needs images that played no role in choosing.
 */
export async function finish(
  ranked: readonly Ranked[],
  judge: Pick<Judge, 'choice' | 'final'>,
  options: FinishOptions,
): Promise<Choice> {
  const { maxApDrop, claims, threads, signal } = options;
  const shortlist = shortlistOf(ranked, maxApDrop);
  const trials = await judge.choice(await Promise.all(shortlist.slice(1).map(judgedModelOf)));
  const judged = shortlist.map((entry, index): Finalist => {
    const trial = trials[index]!;
    return { ...entry, trial, confirmed: index === 0 || trial.drop <= maxApDrop };
  });
  const timed = worthTiming(judged);
  const models = await Promise.all(timed.map(readModelOf));
  const ratioOf = ratioOfThreads(threads);
  const latencies = await measureLatencies(models, { claims, threads, signal, ratioOf, ...FINAL_LATENCY });
  const finalists = judged.map((entry): Finalist => {
    const latency = latencies[timed.indexOf(entry)] ?? entry.candidate.latency;
    return { ...entry, candidate: { ...entry.candidate, latency } };
  });
  return reportFinals(choose(finalists, options), judge);
}

/** Evaluates the chosen candidates on the final part, each graph once. */
async function reportFinals(choice: Choice<Finalist>, judge: Pick<Judge, 'final'>): Promise<Choice> {
  const { original } = choice;
  const taken = takenOf(choice).filter((entry) => entry !== original);
  const finals = await judge.final(await Promise.all(taken.map(judgedModelOf)));
  const of = new Map([original, ...taken].map((entry, i) => [entry, finals[i]!]));
  return withFinals(choice, (entry) => of.get(entry)!);
}

/** All chosen candidates, each once. */
export function takenOf<Taken extends Finalist>(choice: Choice<Taken>): Taken[] {
  const { fastest, portable, exact, smallest, float, tensorrt } = choice;
  const named = [fastest, portable, exact, smallest, float, tensorrt].filter((entry) => entry !== null);
  return [...new Map(named.map((entry) => [entry.candidate.plan.id, entry])).values()];
}

/** The same choice with the final accuracy of all chosen candidates. */
export function withFinals(choice: Choice<Finalist>, finalOf: (entry: Finalist) => PartAccuracy): Choice {
  const report = (entry: Finalist): Reported => ({ ...entry, final: finalOf(entry) });
  const orNull = (entry: Finalist | null): Reported | null => (entry === null ? null : report(entry));
  return {
    ...choice,
    original: report(choice.original),
    fastest: report(choice.fastest),
    portable: orNull(choice.portable),
    exact: orNull(choice.exact),
    smallest: orNull(choice.smallest),
    float: orNull(choice.float),
    tensorrt: orNull(choice.tensorrt),
  };
}

function readModelOf({ candidate: { graph, plan } }: Ranked): Promise<Uint8Array> {
  if (graph === null) throw new Error(`${plan.id} holds the floor and has no graph`);
  return readGraph(graph.file);
}

async function judgedModelOf(entry: Ranked): Promise<JudgedModel> {
  return { bytes: await readModelOf(entry), exactInt8: needsExactInt8(entry.candidate.plan) };
}

/** True if the graph computes the same as the original, in float. */
function isFloat({ candidate: { plan } }: Ranked): boolean {
  return plan.kind === 'clean' || plan.kind === 'polish';
}

/** True if it computes in 8 bits, and the same on every CPU. */
function isPortable({ candidate: { plan } }: Ranked): boolean {
  return plan.kind === 'static' && !needsExactInt8(plan);
}

/** True if it was not timed because its 8-bit sums saturate on this CPU: it is for others. */
function isForExactCpu(entry: Ranked): boolean {
  const { plan, latency } = entry.candidate;
  return needsExactInt8(plan) && latency === null && !isTensorrt(entry);
}

/**
 * The original, the float graphs, and the best candidates within the floor by each criterion; each graph
 * once.
 */
function shortlistOf(ranked: readonly Ranked[], maxApDrop: number): Ranked[] {
  const [original, ...others] = ranked;
  if (original === undefined) throw new Error('the original is the first candidate');
  const graphs = new Set([original.candidate.graph?.sha256]);
  const once = others.filter(({ candidate: { graph } }) => {
    const isNew = graph !== null && !graphs.has(graph.sha256);
    graphs.add(graph?.sha256);
    return isNew;
  });
  const forCpu = once.filter((entry) => !isTensorrt(entry));
  const faster = fastestFirst(forCpu, maxApDrop).filter(isFaster);
  const fast = [...faster.slice(0, MAX_FAST), ...faster.filter(isPortable).slice(0, MAX_PORTABLE)];
  const small = smallestFirst(forCpu, maxApDrop).slice(0, MAX_SMALL);
  const holding = once.filter((entry) => holdsFloor(entry, maxApDrop));
  const exact = holding.filter(isForExactCpu).sort(byDrop).slice(0, MAX_EXACT);
  const tensorrt = holding.filter(isTensorrt).slice(0, 1);
  return [...new Set([original, ...forCpu.filter(isFloat), ...fast, ...small, ...exact, ...tensorrt])];
}

/**
 * The original and the float graphs, and the fastest and smallest of the others that the choice part
 * confirms.
 */
function worthTiming(judged: readonly Finalist[]): Finalist[] {
  const [original, ...others] = judged;
  const floats = others.filter(isFloat);
  const isTimed = (entry: Finalist): boolean =>
    !isFloat(entry) && !isTensorrt(entry) && !isForExactCpu(entry);
  const good = others.filter((entry) => entry.confirmed && isTimed(entry));
  const fastest = [...good].sort(byLatency);
  const portable = fastest.filter(isPortable).slice(0, MAX_TIMED_PORTABLE);
  const fast = [...fastest.slice(0, MAX_TIMED), ...portable];
  const small = [...good].sort((a, b) => a.candidate.bytes - b.candidate.bytes).slice(0, MAX_TIMED_SMALL);
  return [...new Set([original!, ...floats, ...fast, ...small])];
}

/**
 * Chooses by the final latencies among those that the choice part confirms. The fastest is clearly faster
 * than the source, or it is the float graph. With a latency target it is the most accurate of those that meet
 * it.
 */
export function choose(
  finalists: readonly Finalist[],
  { maxApDrop, maxLatencyMs }: Pick<FinishOptions, 'maxApDrop' | 'maxLatencyMs'>,
): Choice<Finalist> {
  const [original] = finalists;
  if (original === undefined) throw new Error('the original is the first finalist');
  const good = finalists.filter((entry) => entry.confirmed && holdsFloor(entry, maxApDrop));
  const forCpu = good.filter((entry) => !isTensorrt(entry));
  const [float = original] = forCpu.filter((entry) => isFloat(entry) && isNotSlower(entry)).sort(byLatency);
  const fast = forCpu.filter(isFaster).sort(byLatency);
  const fastest = pickFastest([...fast, float], maxLatencyMs);
  const portable = needsExactInt8(fastest.candidate.plan) ? (fast.find(isPortable) ?? null) : null;
  const [exact = null] = good.filter(isForExactCpu).sort(byDrop);
  // if the fastest is float here, int8 may still be faster where sums are exact
  const gainsElsewhere = exact !== null && (!isPortable(fastest) || byDrop(exact, fastest) < 0);
  const small = forCpu
    .filter((entry) => isNotSlower(entry) && isSmaller(entry.candidate.bytes, fastest.candidate.bytes))
    .sort((a, b) => a.candidate.bytes - b.candidate.bytes);
  return {
    original,
    finalists,
    fastest,
    portable,
    exact: gainsElsewhere ? exact : null,
    smallest: small.find((entry) => entry !== portable) ?? null,
    float: fastest === float ? null : float,
    tensorrt: good.find(isTensorrt) ?? null,
    contradicted: finalists.filter((entry) => !entry.confirmed && holdsFloor(entry, maxApDrop)),
    meetsLatency: maxLatencyMs === null ? null : (fastest.candidate.latency?.p50 ?? Infinity) <= maxLatencyMs,
  };
}

/** The most accurate first. */
function byDrop(a: Ranked, b: Ranked): number {
  return a.estimate.drop - b.estimate.drop;
}

/** @param entries fastest first, at least one */
function pickFastest(entries: readonly Finalist[], maxLatencyMs: number | null): Finalist {
  const within = entries.filter(
    ({ candidate }) => (candidate.latency?.p50 ?? Infinity) <= (maxLatencyMs ?? -1),
  );
  const [best] = within.sort(byDrop);
  return best ?? entries[0]!;
}
