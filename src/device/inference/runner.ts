import { performance } from 'node:perf_hooks';
import { GoshawkError, type ErrorCode, type ErrorDetails } from '../../contract/errors.ts';
import type { DropReason } from '../../contract/drops.ts';
import { describeCheck, type ReferenceCheck } from '../../contract/engine-choice.ts';
import { PROVIDER_TABLE } from '../../contract/providers.ts';
import { BoxAgreement } from '../../core/drift/box-agreement.ts';
import { FrameStatistics } from '../../core/drift/frame-statistics.ts';
import type { FramePixels } from '../../core/drift/patch-sampler.ts';
import { createDecoder } from '../../core/heads/decoder.ts';
import type { Decoder, OutputTensor } from '../../core/heads/head.ts';
import { MAX_MODEL_BYTES } from '../../model/onnx/model.ts';
import { sha256Of } from '../../platform/digest.ts';
import { readRegularFile } from '../../platform/regular-file.ts';
import type { DecodeLimits, InferenceInput } from './engine.ts';
import { refuseInput } from './input-check.ts';
import { LetterboxedGraph } from './letterboxed-graph.ts';
import { countByProvider } from './profile.ts';
import type { LoadReport, ModelRequest, RunDoneMessage, RunItem, RunMessage } from './runner-messages.ts';
import { planFor, RawGraph, takesRaw, type RawPlan } from './raw-graph.ts';
import { checkReference } from './reference-check.ts';
import type { SessionOptions } from './session.ts';
import { viewSlab, viewStatistics } from './slab.ts';

/** The state of one job while it runs. */
interface Job {
  readonly message: RunMessage;
  readonly items: RunItem[];
  inference: number;
  decode: number;
}

const failed = (reason: DropReason, code: ErrorCode, details: ErrorDetails): RunItem => ({
  ok: false,
  reason,
  code,
  details,
});

/**
 * Raw frames to prepare for before the first one arrives: larger than the network's input, in the channel order of most
 * drivers.
 */
const usualCamera = ({ resize }: ModelRequest): RawPlan => ({
  encoding: 'rgb8',
  resize: resize === 'average' ? 'average' : 'interpolate',
});

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The model on the runner's side: loads the graphs, runs jobs one after the other, decodes. Knows nothing about threads
 * or processes; `worker-main.ts` and `child-main.ts` feed it.
 */
export class Runner {
  readonly #request: ModelRequest;
  readonly #model: Uint8Array;
  readonly #decoder: Decoder;
  readonly #raw = new Map<string, RawGraph>();
  readonly #statistics = new FrameStatistics();
  readonly #agreement = new BoxAgreement();
  #letterboxed: LetterboxedGraph | null = null;

  private constructor(request: ModelRequest, model: Uint8Array) {
    this.#request = request;
    this.#model = model;
    this.#decoder = createDecoder({
      head: request.head,
      inputWidth: request.inputWidth,
      inputHeight: request.inputHeight,
      classes: request.labels,
      maxCandidates: Infinity,
    });
  }

  /**
   * Reads the file, refuses it unless its digest is the manifest's, loads the graphs, runs each once and checks it
   * against its references. Rejects with GOSHAWK_BUNDLE_DIGEST, GOSHAWK_FILE_UNREADABLE, GOSHAWK_MODEL_UNREADABLE,
   * GOSHAWK_PROVIDER_UNAVAILABLE, GOSHAWK_BUNDLE_INVALID, GOSHAWK_HEAD_MISMATCH, GOSHAWK_LABELS_MISMATCH or
   * GOSHAWK_REFERENCE_MISMATCH.
   */
  static async load(request: ModelRequest): Promise<{ runner: Runner; report: LoadReport }> {
    const started = performance.now();
    const runner = new Runner(request, await readChecked(request));
    try {
      const letterboxed = await runner.#loadLetterboxed(true);
      const loaded = performance.now();
      await letterboxed.warmUp();
      const nodes = await letterboxed.takeProfile();
      const referenceCheck = await checkReference(request, 'letterboxed', (input) =>
        letterboxed.run([input], 0, 1),
      );
      refuseMismatch(request, referenceCheck);
      const acceptsRaw = takesRaw(runner.#model, request.bundle);
      if (acceptsRaw && request.inputs !== 'letterboxed')
        await (await runner.#loadRaw(usualCamera(request))).warmUp(request);
      if (acceptsRaw && request.inputs === 'raw') await runner.#dropLetterboxed();
      return {
        runner,
        report: {
          loadMs: loaded - started,
          warmupMs: performance.now() - loaded,
          nodesByProvider: countByProvider(nodes),
          acceptsRaw,
          maxBatch: letterboxed.maxBatch,
          referenceCheck,
        },
      };
    } catch (error) {
      await runner.close();
      if (error instanceof GoshawkError) throw error;
      throw loadError(request, error);
    }
  }

  /** Never rejects: a failure is an item with a reason. */
  async run(message: RunMessage): Promise<RunDoneMessage> {
    const { inputs } = message;
    const job: Job = { message, items: [], inference: 0, decode: 0 };
    let at = 0;
    while (at < inputs.length) at += await this.#runFrom(job, at);
    return {
      type: 'done',
      id: message.id,
      items: job.items,
      slabs: message.slabs,
      pixels: inputs.map(({ pixels }) => pixels),
      inference: job.inference,
      decode: job.decode,
    };
  }

  async close(): Promise<void> {
    await this.#dropLetterboxed();
    for (const graph of this.#raw.values()) await graph.close();
    this.#raw.clear();
  }

  /** Runs the image at `at` and those after it that fit into the same batch. Returns how many. */
  async #runFrom(job: Job, at: number): Promise<number> {
    const { inputs } = job.message;
    const input = inputs[at];
    if (input === undefined) return 1;
    const refusal = refuseInput(input, this.#request);
    if (refusal !== null) {
      job.items.push(refusal);
      return 1;
    }
    let count = 1;
    const started = performance.now();
    try {
      let outputs: OutputTensor[];
      if (input.kind === 'raw') {
        const graph = await this.#loadRaw(planFor(input, this.#request.resize));
        outputs = await graph.run(input);
      } else {
        const graph = await this.#loadLetterboxed(false);
        count = this.#batchFrom(inputs, at, graph.maxBatch);
        outputs = await graph.run(inputs, at, count);
      }
      const ran = performance.now();
      job.inference += ran - started;
      for (let i = 0; i < count; i += 1) job.items.push(this.#decode(job.message, at + i, outputs, i));
      job.decode += performance.now() - ran;
    } catch (error) {
      const item = failed('inference_failed', 'GOSHAWK_INFERENCE_FAILED', { reason: messageOf(error) });
      while (job.items.length < at + count) job.items.push(item);
    }
    return count;
  }

  #batchFrom(inputs: readonly InferenceInput[], at: number, maxBatch: number): number {
    let count = 1;
    while (count < maxBatch) {
      const next = inputs[at + count];
      if (next?.kind !== 'letterboxed' || refuseInput(next, this.#request) !== null) break;
      count += 1;
    }
    return count;
  }

  #decode(message: RunMessage, at: number, outputs: readonly OutputTensor[], batchIndex: number): RunItem {
    const input = message.inputs[at];
    const buffer = message.slabs[at];
    if (input === undefined || buffer === undefined) {
      return failed('inference_failed', 'GOSHAWK_INTERNAL', { reason: 'a job without room for its result' });
    }
    const { detections } = viewSlab(buffer, 0);
    const limits: DecodeLimits = message.limits;
    const isMeasured = input.wantsStatistics === true;
    const agreement = isMeasured ? this.#agreement : null;
    const outcome = this.#decoder.decode(outputs, batchIndex, input.letterbox, limits, detections, agreement);
    if (outcome === 'invalid') {
      const details = { bundle: this.#request.bundle, what: 'a box or a score' };
      return failed('invalid_output', 'GOSHAWK_MODEL_OUTPUT_INVALID', details);
    }
    if (isMeasured) this.#statistics.measure(this.#pixelsOf(input), this.#agreement, viewStatistics(buffer));
    return { ok: true, count: detections.count, isMeasured };
  }

  #pixelsOf(input: InferenceInput): FramePixels {
    const { kind, pixels, step, letterbox } = input;
    const { encoding, resize } = planFor(input, this.#request.resize);
    const layout = kind === 'letterboxed' ? kind : encoding;
    return { layout, pixels, step, letterbox, averages: resize === 'average' };
  }

  async #loadLetterboxed(profile: boolean): Promise<LetterboxedGraph> {
    this.#letterboxed ??= await LetterboxedGraph.load(
      this.#model,
      this.#request,
      this.#request.maxBatch,
      this.#sessionOptions(profile),
    );
    return this.#letterboxed;
  }

  async #dropLetterboxed(): Promise<void> {
    const graph = this.#letterboxed;
    this.#letterboxed = null;
    await graph?.close();
  }

  async #loadRaw(plan: RawPlan): Promise<RawGraph> {
    const key = `${plan.encoding} ${plan.resize}`;
    const known = this.#raw.get(key);
    if (known !== undefined) return known;
    const graph = await RawGraph.load(this.#model, this.#request, plan, this.#sessionOptions(false));
    try {
      const check = await checkReference(briefly(this.#request), plan.encoding, (input) => graph.run(input));
      refuseMismatch(this.#request, check, ' with the letterbox in the graph');
    } catch (error) {
      await graph.close();
      throw error;
    }
    this.#raw.set(key, graph);
    return graph;
  }

  #sessionOptions(profile: boolean): SessionOptions {
    const { provider, fallbacks, threads, exactInt8 } = this.#request;
    return { provider, fallbacks, threads, exactInt8, profile };
  }
}

/**
 * The network inside a graph for raw frames has been checked already: two inputs show whether the letterbox in front of
 * it leaves an image unchanged.
 */
function briefly(request: ModelRequest): ModelRequest {
  const { reference } = request;
  return reference.kind === 'check' ? { ...request, reference: { ...reference, budgetMs: 0 } } : request;
}

function refuseMismatch({ bundle, variant }: ModelRequest, check: ReferenceCheck, how = ''): void {
  if (check.verdict !== 'refused') return;
  throw new GoshawkError('GOSHAWK_REFERENCE_MISMATCH', {
    bundle,
    reasons: `${variant}${how}: ${describeCheck(check)}`,
  });
}

/** Reads the bytes of the model. Throws GOSHAWK_FILE_UNREADABLE or GOSHAWK_BUNDLE_DIGEST. */
export async function readChecked(
  request: Pick<ModelRequest, 'bundle' | 'file' | 'sha256'>,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(request.file, MAX_MODEL_BYTES);
  } catch (cause) {
    throw new GoshawkError(
      'GOSHAWK_FILE_UNREADABLE',
      { file: request.file, reason: messageOf(cause) },
      { cause },
    );
  }
  const actual = sha256Of(bytes);
  if (actual !== request.sha256) {
    const { bundle, file, sha256: expected } = request;
    throw new GoshawkError('GOSHAWK_BUNDLE_DIGEST', { bundle, file, actual, expected });
  }
  return bytes;
}

function loadError(request: ModelRequest, cause: unknown): GoshawkError {
  const reason = messageOf(cause);
  return PROVIDER_TABLE[request.provider].isBuiltIn
    ? new GoshawkError('GOSHAWK_MODEL_UNREADABLE', { file: request.file, reason }, { cause })
    : new GoshawkError(
        'GOSHAWK_PROVIDER_UNAVAILABLE',
        { preferred: request.provider, bundle: request.bundle, reasons: reason },
        { cause },
      );
}
