import type { GraphClaims } from '../../model/bundle.ts';
import { LetterboxedGraph } from '../../device/inference/letterboxed-graph.ts';
import type { InferenceInput } from '../../device/inference/engine.ts';
import { createRandom } from '../../core/random.ts';
import { asInput } from './compare-folded.ts';

/**
 * Duration of one run of a graph in milliseconds, and its ratio to the first graph of the same measurement.
 */
export interface Latency {
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p99: number;
  readonly runs: number;
  /** median over the rounds of (this graph's turn) / (the first graph's); below 1 is faster */
  readonly ratio: number;
  /** quartiles of the same */
  readonly ratioLow: number;
  readonly ratioHigh: number;
}

/** The clock that ratios are based on. */
export type RatioOf = 'wall' | 'cpu';

export interface LatencyOptions {
  readonly claims: GraphClaims;
  readonly threads: number;
  /** number of turns of every graph */
  readonly rounds: number;
  /** timed runs per turn, after one that is not timed */
  readonly runs: number;
  /**
   * the clock of ratios, `wall` by default. `cpu` is the CPU time of the process, which other programs
   * disturb less; with one thread it equals wall time on a quiet machine.
   */
  readonly ratioOf?: RatioOf;
  /** for each graph whether it runs on ONNX Runtime's exact 8-bit kernels; false by default */
  readonly exactInt8?: readonly boolean[];
  readonly signal: AbortSignal;
}

/** Number of runs before anything is timed. */
const WARM_UP_RUNS = 4;

/**
 * Rounds after which graphs are reloaded: their memory placement makes a difference of a few percent, which
 * has to average out.
 */
const ROUNDS_OF_A_LOAD = 4;

/**
 * Measures graphs in turn, as the runtime would run them (one image, the CPU provider, threads that do not
 * spin between runs). Anything that slows the machine for a while slows all of them, so it hardly affects the
 * ratio of a round. The others are compared with the first graph.
 */
export async function measureLatencies(
  models: readonly Uint8Array[],
  options: LatencyOptions,
): Promise<Latency[]> {
  const turns = models.map((): Turn[] => []);
  for (let round = 0; round < options.rounds; round += ROUNDS_OF_A_LOAD) {
    const rounds = Math.min(ROUNDS_OF_A_LOAD, options.rounds - round);
    await measureLoaded(models, round, { ...options, rounds }, turns);
  }
  return turns.map((own) => summarizeLatency(own, turns[0]!));
}

/** Loads the graphs, measures each for a number of turns, and adds the results. */
async function measureLoaded(
  models: readonly Uint8Array[],
  first: number,
  { claims, threads, rounds, runs, ratioOf = 'wall', exactInt8 = [], signal }: LatencyOptions,
  turns: Turn[][],
): Promise<void> {
  // a different graph starts each time, so that none is always loaded first or always runs after the same one
  const order = (shift: number): number[] => models.map((_, i) => (i + shift) % models.length);
  const graphs = new Map<number, LetterboxedGraph>();
  try {
    for (const index of order(first / ROUNDS_OF_A_LOAD)) {
      const settings = {
        ...({ provider: 'cpu', threads } as const),
        exactInt8: exactInt8[index] ?? false,
      };
      graphs.set(index, await LetterboxedGraph.load(models[index]!, claims, 1, settings));
    }
    const input = asInput(noise(claims), claims);
    for (const graph of graphs.values()) {
      for (let i = 0; i < WARM_UP_RUNS; i += 1) await graph.run([input], 0, 1);
    }
    for (let round = first; round < first + rounds; round += 1) {
      for (const index of order(round)) {
        signal.throwIfAborted();
        turns[index]!.push(await timeRuns(graphs.get(index)!, input, runs, ratioOf));
      }
    }
  } finally {
    for (const graph of graphs.values()) await graph.close();
  }
}

/** The clock for a number of threads: with several, their total CPU time says little about latency. */
export function ratioOfThreads(threads: number): RatioOf {
  return threads === 1 ? 'cpu' : 'wall';
}

/** The measurements of one turn of a graph. */
export interface Turn {
  /** milliseconds of each run */
  readonly times: readonly number[];
  /** the value that is compared with another graph's turn */
  readonly cost: number;
}

async function timeRuns(
  graph: LetterboxedGraph,
  input: InferenceInput,
  runs: number,
  ratioOf: RatioOf,
): Promise<Turn> {
  await graph.run([input], 0, 1);
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i += 1) {
    const started = performance.now();
    await graph.run([input], 0, 1);
    times.push(performance.now() - started);
  }
  const { user, system } = process.cpuUsage(before);
  return { times, cost: ratioOf === 'cpu' ? user + system : quantile(times, 0.5) };
}

function noise({ inputWidth, inputHeight }: GraphClaims): Uint8Array<ArrayBuffer> {
  const random = createRandom(1);
  return Uint8Array.from({ length: inputWidth * inputHeight * 3 }, () => random.int(0, 255));
}

/** @param own turns of a graph by round, @param first those of the graph to compare with */
export function summarizeLatency(own: readonly Turn[], first: readonly Turn[]): Latency {
  const all = own.flatMap(({ times }) => times);
  const ratios = own.map(({ cost }, round) => cost / first[round]!.cost);
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
