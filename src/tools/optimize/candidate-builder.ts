import { z } from 'zod';
import { describeError } from '../../contract/errors.ts';
import type { Int8Arithmetic } from '../../contract/machine.ts';
import type { GraphClaims } from '../../model/bundle.ts';
import { LetterboxedGraph } from '../../device/inference/letterboxed-graph.ts';
import { BrokenOutputError } from './detect-stored.ts';
import { fitForTensorrt } from './fit-for-tensorrt.ts';
import { searchAccuracySchema, type JudgedModel, type SearchAccuracy } from './judge.ts';
import { measureLatencies, ratioOfThreads, type Latency } from './latency.ts';
import type { ImageStore } from './image-store.ts';
import {
  quantizeSchema,
  sensitivitySchema,
  type Layer,
  type ImageFile,
  type Scheme,
} from './quantizer-messages.ts';
import { QuantizerError, type OnShare, type QuantizerPort } from './quantizer.ts';
import { readGraph } from './source-model.ts';
import type { PlaceOf, StepInputs, WorkFolder } from './work-folder.ts';

/** A graph of the work folder. */
export interface Graph {
  readonly file: string;
  readonly sha256: string;
}

/** A way to make a graph smaller or faster. */
export type Plan = { readonly id: string } & (
  | { readonly kind: 'original' | 'clean'; readonly graph: Graph }
  | { readonly kind: 'polish' | 'half' }
  | { readonly kind: 'dynamic'; readonly saturationFree: boolean }
  | { readonly kind: 'weights'; readonly storage: 'int8' | 'half'; readonly from: Graph }
  | { readonly kind: 'static'; readonly scheme: Scheme }
);

/** A plan whose graph exists already. */
export type GivenPlan = Extract<Plan, { readonly graph: Graph }>;

/** A plan that needs the quantizer. */
type MadePlan = Exclude<Plan, GivenPlan>;

/**
 * True if sums of two 8-bit products may exceed 16 bits, so that the plan's graph computes something else on
 * CPUs without VNNI.
 */
export function needsExactInt8(plan: Plan): boolean {
  if (plan.kind === 'static') return !plan.scheme.saturationFree;
  return plan.kind === 'dynamic' && !plan.saturationFree;
}

/**
 * True if a CPU of this arithmetic computes what was evaluated. If not, its speed means nothing here: exact
 * kernels take about twice the time, and the standard ones compute something else.
 */
function runsHere(plan: Plan, arithmetic: Int8Arithmetic): boolean {
  return arithmetic === 'exact' || !needsExactInt8(plan);
}

/** A graph that was made and measured, or the reason why it could not be. */
export interface Candidate {
  readonly plan: Plan;
  readonly graph: Graph | null;
  readonly bytes: number;
  /** nodes that compute in int8, and those that do not */
  readonly quantized: readonly string[];
  readonly float: readonly string[];
  /** null if it does not run, or was too slow to be evaluated */
  readonly accuracy: SearchAccuracy | null;
  /** measured in alternation with the original; null if it does not run, or needs sums that are exact only elsewhere */
  readonly latency: Latency | null;
  /** TensorRT rules that a graph for TensorRT breaks, in words */
  readonly findings: readonly string[];
  /** why it cannot be used; null if it can */
  readonly failure: string | null;
  /** time to make and measure it; close to zero if an earlier run had done so */
  readonly seconds: number;
}

/** Measures accuracy, as `Judge` does. */
export interface SearchJudge {
  search(model: JudgedModel): Promise<SearchAccuracy>;
}

export interface CandidateBuilderOptions {
  readonly work: WorkFolder;
  readonly quantizer: QuantizerPort;
  /** digest of the quantizer's sources and everything else that its results depend on */
  readonly codeDigest: string;
  readonly judge: SearchJudge;
  /** digest of everything apart from the graph that accuracy depends on: images, split, seed */
  readonly judgeDigest: string;
  /** everything apart from the graphs that latency depends on: machine, threads, libraries */
  readonly machine: Readonly<Record<string, unknown>>;
  /** 8-bit arithmetic of this machine */
  readonly arithmetic: Int8Arithmetic;
  readonly original: Graph;
  /** the graph that is quantized */
  readonly base: Graph;
  readonly calibration: ImageStore;
  readonly claims: GraphClaims;
  readonly threads: number;
  readonly signal: AbortSignal;
  /** called with the share of a long request that is done */
  readonly onProgress: OnShare;
}

const madeSchema = quantizeSchema.extend({ failure: z.string().nullable(), findings: z.array(z.string()) });
type Made = z.infer<typeof madeSchema>;

const judgedSchema = z.object({ accuracy: searchAccuracySchema.nullable(), failure: z.string().nullable() });

const latencySchema = z.object({
  p25: z.number(),
  p50: z.number(),
  p75: z.number(),
  p99: z.number(),
  runs: z.number(),
  ratio: z.number(),
  ratioLow: z.number(),
  ratioHigh: z.number(),
});

/** Rounds and runs per round of a first latency measurement. */
const SCREENING = { rounds: 8, runs: 4 } as const;
/** Number of images for comparing graphs and for the sensitivity of layers. */
export const FEW = 8;
/** Number of images for the channel means of a layer. */
const FEW_FOR_MEANS = 16;
/** Latency ratio above which accuracy no longer matters. */
const HOPELESS = 1.5;
const MODEL = 'model.onnx';
const NO_NODES = { quantized: [], float: [], findings: [] };

/** The part of an image store that the quantizer needs. */
export function imageFile({ pictures, count, height, width }: ImageStore): ImageFile {
  return { pictures, count, height, width };
}

/** The first images of a store, for work that needs only a few. */
export function few(store: ImageStore, most = FEW): ImageFile {
  return { ...imageFile(store), count: Math.min(most, store.count) };
}

/** Makes and measures candidates. Steps that finished earlier are reused from the work folder. */
export class CandidateBuilder {
  readonly #options: CandidateBuilderOptions;
  #statistics: { file: string; key: string } | null = null;

  constructor(options: CandidateBuilderOptions) {
    this.#options = options;
  }

  /**
   * Makes and measures one candidate. If the quantizer fails or the runtime refuses the graph, the candidate
   * has a reason. A full disk and an interruption are thrown.
   */
  async try(plan: Plan): Promise<Candidate> {
    const started = performance.now();
    const candidate = await this.#try(plan);
    return { ...candidate, seconds: (performance.now() - started) / 1000 };
  }

  async #try(plan: Plan): Promise<Omit<Candidate, 'seconds'>> {
    const made = await this.#make(plan);
    const { graph, value } = made;
    const none = { plan, graph: null, accuracy: null, latency: null };
    if (graph === null) return { ...none, ...value };
    const refusal = await this.#refusal(graph);
    if (refusal !== null) return { ...none, ...value, failure: refusal };
    const latency = runsHere(plan, this.#options.arithmetic) ? await this.#time(graph) : null;
    const isTensorrt = plan.kind === 'static' && plan.scheme.target === 'tensorrt';
    const slow = latency !== null && latency.ratio > HOPELESS && !isTensorrt;
    if (slow) return { plan, ...value, graph, accuracy: null, latency };
    const { accuracy, failure } = await this.#judge(graph, needsExactInt8(plan));
    if (accuracy === null) return { ...none, ...value, failure };
    return { plan, ...value, graph, accuracy, latency };
  }

  /** Statistics of the activations, collected once. */
  async statistics(): Promise<{ file: string; key: string }> {
    if (this.#statistics !== null) return this.#statistics;
    const { work, quantizer, codeDigest, base, calibration, onProgress } = this.#options;
    const inputs = {
      codeDigest,
      base: base.sha256,
      pictures: calibration.digest,
      style: sizeOf(calibration),
    };
    const file = 'statistics';
    const { key } = await work.step('calibrate', inputs, z.object({ tensors: z.int() }), [file], (place) =>
      quantizer.request(
        'calibrate',
        { model: base.file, ...imageFile(calibration), out: place(file) },
        onProgress,
      ),
    );
    this.#statistics = { file: work.place(key, file), key };
    return this.#statistics;
  }

  /**
   * The layers that can be quantized, with the effect of quantizing each alone. Rejects with QuantizerError
   * if that cannot be determined.
   */
  async sensitivity(scheme: Scheme): Promise<readonly Layer[]> {
    const { work, quantizer, codeDigest, base, calibration, onProgress } = this.#options;
    const statistics = await this.statistics();
    const inputs = { codeDigest, base: base.sha256, statistics: statistics.key, scheme };
    const { value } = await work.step('sensitivity', inputs, sensitivitySchema, [], () =>
      quantizer.request(
        'sensitivity',
        { model: base.file, statistics: statistics.file, ...few(calibration), scheme },
        onProgress,
      ),
    );
    return value.layers;
  }

  async #make(plan: Plan): Promise<{ value: Made; graph: Graph | null }> {
    if (!('graph' in plan)) return this.#quantize(plan);
    const bytes = (await readGraph(plan.graph.file)).byteLength;
    return { value: { ...NO_NODES, bytes, failure: null }, graph: plan.graph };
  }

  async #quantize(plan: MadePlan): Promise<{ value: Made; graph: Graph | null }> {
    const { work, codeDigest, base } = this.#options;
    const statistics = plan.kind === 'static' ? await this.statistics() : null;
    const inputs = { codeDigest, base: base.sha256, statistics: statistics?.key ?? null, ...recipeOf(plan) };
    const ask = async (place: PlaceOf): Promise<Made> => {
      try {
        return await this.#ask(plan, place(MODEL), statistics?.file ?? '');
      } catch (error) {
        if (!(error instanceof QuantizerError) || error.kind === 'crashed') throw error;
        return { ...NO_NODES, bytes: 0, failure: error.message };
      }
    };
    try {
      const { value, key, files } = await work.step(plan.kind, inputs, madeSchema, [MODEL], ask);
      const graph = value.failure === null ? { file: work.place(key, MODEL), sha256: files[MODEL]! } : null;
      return { value, graph };
    } catch (error) {
      // not stored: what kills a process once, such as a lack of memory, may not happen the next time
      if (!(error instanceof QuantizerError)) throw error;
      return { value: { ...NO_NODES, bytes: 0, failure: error.message }, graph: null };
    }
  }

  async #ask(plan: MadePlan, out: string, statistics: string): Promise<Made> {
    const { quantizer, base, calibration, onProgress } = this.#options;
    const model = base.file;
    const fine = { ...NO_NODES, failure: null };
    switch (plan.kind) {
      case 'half':
        return { ...fine, ...(await quantizer.request('half', { model, out })) };
      case 'dynamic':
        return {
          ...fine,
          ...(await quantizer.request('dynamic', { model, out, saturationFree: plan.saturationFree })),
        };
      case 'polish':
        return {
          ...fine,
          bytes: (await quantizer.request('polish', { model, out, ...few(calibration) })).bytes,
        };
      case 'weights': {
        const scheme = { perChannel: true, biasCorrection: false, keepFloat: [], storage: plan.storage };
        return { ...fine, ...(await quantizer.request('weights', { model: plan.from.file, out, scheme })) };
      }
      case 'static': {
        const { scheme } = plan;
        // ranges after equalization need all images, channel means only a few
        const pictures = scheme.equalize ? imageFile(calibration) : few(calibration, FEW_FOR_MEANS);
        const request = { model, statistics, out, scheme, ...pictures };
        const answer = await quantizer.request('quantize', request, onProgress);
        if (scheme.target !== 'tensorrt') return { ...fine, ...answer };
        const { refused, findings } = await fitForTensorrt(out);
        return { ...answer, failure: refused, findings: [...findings] };
      }
    }
  }

  /** Why the runtime refuses a graph; null if it accepts it. */
  async #refusal(graph: Graph): Promise<string | null> {
    const { claims, threads } = this.#options;
    const bytes = await readGraph(graph.file);
    try {
      const loaded = await LetterboxedGraph.load(bytes, claims, 1, {
        provider: 'cpu',
        threads,
      });
      try {
        await loaded.warmUp();
      } finally {
        await loaded.close();
      }
      return null;
    } catch (error) {
      return `the runtime refuses it: ${describeError(error)}`;
    }
  }

  async #judge(graph: Graph, exactInt8: boolean): Promise<z.infer<typeof judgedSchema>> {
    const { work, judge, judgeDigest } = this.#options;
    const inputs = { judgeDigest, graph: graph.sha256, exactInt8 };
    const { value } = await work.step('accuracy', inputs, judgedSchema, [], async () => {
      try {
        return {
          accuracy: await judge.search({ bytes: await readGraph(graph.file), exactInt8 }),
          failure: null,
        };
      } catch (error) {
        if (!(error instanceof BrokenOutputError)) throw error;
        return { accuracy: null, failure: error.message };
      }
    });
    return value;
  }

  async #time(graph: Graph): Promise<Latency> {
    const { work, machine, original, claims, threads, signal } = this.#options;
    const inputs = { machine, threads, how: SCREENING, original: original.sha256, graph: graph.sha256 };
    const { value } = await work.step('latency', inputs, latencySchema, [], async () => {
      const models = await Promise.all([readGraph(original.file), readGraph(graph.file)]);
      const ratioOf = ratioOfThreads(threads);
      const [, latency] = await measureLatencies(models, { claims, threads, signal, ratioOf, ...SCREENING });
      return latency!;
    });
    return value;
  }
}

/**
 * Everything that a plan's result depends on, apart from the graph that it starts from. Names are for display
 * only.
 */
function recipeOf(plan: MadePlan): StepInputs {
  switch (plan.kind) {
    case 'static':
      return { kind: plan.kind, scheme: plan.scheme };
    case 'weights':
      return { kind: plan.kind, storage: plan.storage, from: plan.from.sha256 };
    case 'dynamic':
      return { kind: plan.kind, saturationFree: plan.saturationFree };
    default:
      return { kind: plan.kind };
  }
}

function sizeOf({ width, height }: ImageStore): { width: number; height: number } {
  return { width, height };
}
