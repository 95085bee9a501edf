import type { GraphClaims } from '../../device/inference/graph-check.ts';
import { LetterboxedGraph } from '../../device/inference/letterboxed-graph.ts';
import type { InferenceInput } from '../../device/inference/engine.ts';
import { createRandom } from '../../core/random.ts';
import { asInput } from './compare-folded.ts';

/** How long one run of a graph takes, milliseconds, and how that compares with the first of those that were measured together. */
export interface Latency {
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p99: number;
  readonly runs: number;
  /** median over the rounds of (median of this graph) / (median of the first graph); below 1 is faster */
  readonly ratio: number;
  /** quartiles of the same */
  readonly ratioLow: number;
  readonly ratioHigh: number;
}

export interface LatencyOptions {
  readonly claims: GraphClaims;
  readonly threads: number;
  /** how often every graph has its turn */
  readonly rounds: number;
  /** timed runs of a turn; one more goes before them, which is not timed */
  readonly runs: number;
  readonly signal: AbortSignal;
}

/** Runs before anything is timed. */
const WARM_UP_RUNS = 4;

/**
 * Measures graphs in turns, as the runtime would run them (one picture, the CPU provider, threads that do not spin): what slows the machine for a
 * while slows all of them, and the ratio of a round hardly feels it. The first graph is the one the others are compared with.
 */
export async function measureLatencies(
  models: readonly Uint8Array[],
  { claims, threads, rounds, runs, signal }: LatencyOptions,
): Promise<Latency[]> {
  const graphs: LetterboxedGraph[] = [];
  try {
    for (const model of models) {
      graphs.push(
        await LetterboxedGraph.load(model, claims, 1, { provider: 'cpu', threads, spinning: false }),
      );
    }
    const input = asInput(noise(claims), claims);
    for (const graph of graphs) for (let i = 0; i < WARM_UP_RUNS; i += 1) await graph.run([input], 0, 1);
    const times = graphs.map((): number[][] => []);
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < graphs.length; turn += 1) {
        signal.throwIfAborted();
        // another one begins each round, so that none always runs after the same neighbor
        const index = (turn + round) % graphs.length;
        times[index]!.push(await timeRuns(graphs[index]!, input, runs));
      }
    }
    return times.map((own) => summarize(own, times[0]!));
  } finally {
    for (const graph of graphs) await graph.close();
  }
}

async function timeRuns(graph: LetterboxedGraph, input: InferenceInput, runs: number): Promise<number[]> {
  await graph.run([input], 0, 1);
  const times: number[] = [];
  for (let i = 0; i < runs; i += 1) {
    const started = performance.now();
    await graph.run([input], 0, 1);
    times.push(performance.now() - started);
  }
  return times;
}

function noise({ inputWidth, inputHeight }: GraphClaims): Uint8Array<ArrayBuffer> {
  const random = createRandom(1);
  return Uint8Array.from({ length: inputWidth * inputHeight * 3 }, () => random.int(0, 255));
}

/** @param own times of a graph by round, @param first those of the graph that it is compared with */
export function summarize(
  own: readonly (readonly number[])[],
  first: readonly (readonly number[])[],
): Latency {
  const all = own.flat();
  const ratios = own.map((times, round) => quantile(times, 0.5) / quantile(first[round]!, 0.5));
  return {
    p25: quantile(all, 0.25),
    p50: quantile(all, 0.5),
    p75: quantile(all, 0.75),
    p99: quantile(all, 0.99),
    runs: all.length,
    ratio: quantile(ratios, 0.5),
    ratioLow: quantile(ratios, 0.25),
    ratioHigh: quantile(ratios, 0.75),
  };
}

/** Value at a share 0..1 of the sorted values, linear between neighbors. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const [low = 0, high = low] = [sorted[below], sorted[below + 1]];
  return low + (position - below) * (high - low);
}
