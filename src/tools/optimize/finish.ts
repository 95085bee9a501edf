import type { GraphClaims } from '../../device/inference/graph-check.ts';
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
import type { FinalAccuracy, Judge } from './judge.ts';
import { measureLatencies } from './latency.ts';
import { readGraph } from './source-model.ts';
import type { Graph } from './workshop.ts';

/** Rounds and runs a round of the final latencies. */
export const FINAL_LATENCY = { rounds: 20, runs: 6 } as const;

/** Fast and small candidates that are measured again, all together. */
const MOST_FAST = 6;
const MOST_SMALL = 3;

/** A candidate with its final figures. */
export interface Finalist extends Ranked {
  readonly final: FinalAccuracy;
  /** true where the drop on the final part is within the floor too */
  readonly confirmed: boolean;
}

export interface FinishOptions {
  readonly maxApDrop: number;
  readonly maxLatencyMs: number | null;
  readonly claims: GraphClaims;
  readonly threads: number;
  readonly signal: AbortSignal;
}

/** What goes into the bundle, and what was measured on the way. */
export interface Choice {
  readonly original: Finalist;
  /** every finalist, the original first */
  readonly finalists: readonly Finalist[];
  /** first in the bundle */
  readonly fastest: Finalist;
  /** null where it is the fastest too, or saves nothing */
  readonly smallest: Finalist | null;
  /** for providers that run float; null where the fastest is that already */
  readonly float: Finalist | null;
  /** for TensorRT; null where none holds the floor */
  readonly tensorrt: Finalist | null;
  /** finalists that looked good in the search and lost too much on the final part */
  readonly contradicted: readonly Finalist[];
  /** null where there is no target; else whether the fastest meets it */
  readonly meetsLatency: boolean | null;
}

/** True where the plan is for TensorRT alone: its latency on the CPU says nothing. */
export function isTensorrt({ candidate: { plan } }: Ranked): boolean {
  return plan.kind === 'static' && plan.scheme.target === 'tensorrt';
}

/** Measures the best candidates again, side by side, evaluates them on the final part, and chooses. */
export async function finish(
  ranked: readonly Ranked[],
  judge: Pick<Judge, 'final'>,
  options: FinishOptions,
): Promise<Choice> {
  const shortlist = shortlistOf(ranked, options.maxApDrop);
  const models = await Promise.all(
    shortlist.map(({ candidate }) => readGraph(graphOf(candidate.graph).file)),
  );
  const { claims, threads, signal } = options;
  const latencies = await measureLatencies(models, { claims, threads, signal, ...FINAL_LATENCY });
  const finals = await judge.final(models.slice(1));
  const finalists = shortlist.map((entry, index): Finalist => {
    const final = finals[index]!;
    const candidate = { ...entry.candidate, latency: latencies[index]! };
    return { ...entry, candidate, final, confirmed: index === 0 || final.drop <= options.maxApDrop };
  });
  return choose(finalists, options);
}

function graphOf(graph: Graph | null): Graph {
  if (graph === null) throw new Error('a candidate that holds the floor has a graph');
  return graph;
}

/** The original, the clean graph, and the best of what holds the floor by each measure. */
function shortlistOf(ranked: readonly Ranked[], maxApDrop: number): Ranked[] {
  const [original, ...others] = ranked;
  if (original === undefined) throw new Error('the original is the first candidate');
  const forCpu = others.filter((entry) => !isTensorrt(entry));
  const clean = forCpu.filter(({ candidate: { plan, graph } }) => plan.kind === 'clean' && graph !== null);
  const fast = fastestFirst(forCpu, maxApDrop).filter(isFaster).slice(0, MOST_FAST);
  const small = smallestFirst(forCpu, maxApDrop).slice(0, MOST_SMALL);
  const tensorrt = others.filter((entry) => isTensorrt(entry) && holdsFloor(entry, maxApDrop)).slice(0, 1);
  return [...new Set([original, ...clean, ...fast, ...small, ...tensorrt])];
}

/**
 * Chooses by the final latencies among those that the final part confirms. The first variant is faster than what came in beyond doubt, or it is the float graph. With a latency
 * target it is the most accurate of those that meet it.
 */
export function choose(
  finalists: readonly Finalist[],
  { maxApDrop, maxLatencyMs }: Pick<FinishOptions, 'maxApDrop' | 'maxLatencyMs'>,
): Choice {
  const [original] = finalists;
  if (original === undefined) throw new Error('the original is the first finalist');
  const good = finalists.filter((entry) => entry.confirmed && holdsFloor(entry, maxApDrop));
  const forCpu = good.filter((entry) => !isTensorrt(entry));
  const clean = forCpu.find(({ candidate: { plan } }) => plan.kind === 'clean');
  const float = clean !== undefined && isNotSlower(clean) ? clean : original;
  const fast = forCpu.filter(isFaster).sort(byLatency);
  const fastest = pickFastest([...fast, float], maxLatencyMs);
  const small = forCpu
    .filter((entry) => isNotSlower(entry) && isSmaller(entry.candidate.bytes, fastest.candidate.bytes))
    .sort((a, b) => a.candidate.bytes - b.candidate.bytes);
  return {
    original,
    finalists,
    fastest,
    smallest: small[0] ?? null,
    float: fastest === float ? null : float,
    tensorrt: good.find(isTensorrt) ?? null,
    contradicted: finalists.filter((entry) => !entry.confirmed && holdsFloor(entry, maxApDrop)),
    meetsLatency: maxLatencyMs === null ? null : (fastest.candidate.latency?.p50 ?? Infinity) <= maxLatencyMs,
  };
}

/** @param entries fastest first, at least one */
function pickFastest(entries: readonly Finalist[], maxLatencyMs: number | null): Finalist {
  const within = entries.filter(
    ({ candidate }) => (candidate.latency?.p50 ?? Infinity) <= (maxLatencyMs ?? -1),
  );
  const [best] = within.sort((a, b) => a.estimate.drop - b.estimate.drop);
  return best ?? entries[0]!;
}
