import { LAST_PROVIDER, type ProviderName } from '../../contract/providers.ts';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { freeMemory } from '../../platform/free-memory.ts';
import { parseProfile, type ProfiledNode } from './profile.ts';

/**
 * The only file that imports onnxruntime-node. `run` computes on the calling thread: call it in a worker or child
 * process.
 */

export interface SessionOptions {
  readonly provider: ProviderName;
  /** providers for nodes that the first does not take, best first; the CPU is always last */
  readonly fallbacks?: readonly ProviderName[];
  /** intra-op threads, >= 1 */
  readonly threads: number;
  /** true records what every node did in the first runs, until `takeProfile` */
  readonly profile?: boolean;
  /** false runs the graph as written */
  readonly optimize?: boolean;
  /**
   * true makes 8-bit products exact on x86 CPUs whose standard kernels saturate, at about twice the time; no effect on
   * others
   */
  readonly exactInt8?: boolean;
  /** true keeps ONNX Runtime from printing failures; the error is thrown either way */
  readonly quiet?: boolean;
}

export interface TensorInfo {
  readonly name: string;
  /** `float32`, `uint8`, ... */
  readonly type: string;
  /** a name if the size changes from run to run */
  readonly dims: readonly (number | string)[];
}

export type FeedData = Float32Array | Uint8Array | BigInt64Array;
export type OutputData = Float32Array | Uint8Array | Int32Array | BigInt64Array;

export interface OutputValue {
  readonly name: string;
  readonly data: OutputData;
  readonly dims: readonly number[];
}

/** The list for ONNX Runtime: each node goes to the first provider that can run it. */
export function executionProviders({
  provider,
  fallbacks = [],
}: Pick<SessionOptions, 'provider' | 'fallbacks'>): ProviderName[] {
  if (provider === LAST_PROVIDER) return [provider];
  return [...new Set([provider, ...fallbacks, LAST_PROVIDER])];
}

/** A value to feed; reusable for every run while its buffer stays the same. */
export function makeFeed(data: FeedData, dims: readonly number[]): Tensor {
  if (data instanceof Float32Array) return new Tensor('float32', data, dims);
  if (data instanceof Uint8Array) return new Tensor('uint8', data, dims);
  return new Tensor('int64', data, dims);
}

/** A place for a float output: ONNX Runtime writes into `data`, but returns a different tensor. */
export function makeFetch(data: Float32Array, dims: readonly number[]): Tensor {
  return new Tensor('float32', data, dims);
}

/** ONNX Runtime's log levels. */
const ERROR = 3;
const FATAL = 4;

/** Backends that the binding was built with, by ONNX Runtime's names; their libraries may still be missing. */
export function listBackends(): { name: string; bundled: boolean }[] {
  return listSupportedBackends();
}

/** Version of the inference library, such as `1.30.0`. */
export function libraryVersion(): string {
  return env.versions.node ?? env.versions.common;
}

function infos(metadata: readonly InferenceSession.ValueMetadata[]): TensorInfo[] {
  return metadata.map((value) =>
    value.isTensor
      ? { name: value.name, type: value.type, dims: value.shape }
      : { name: value.name, type: 'other', dims: [] },
  );
}

/** ONNX Runtime writes to the given place but still creates its own tensor: a megabyte of garbage per frame. */
function freeCopy(copy: Tensor | undefined, place: Tensor): void {
  const data: unknown = copy?.data;
  if (isOutputData(data) && isOutputData(place.data) && data.buffer !== place.data.buffer) freeMemory(data);
}

function isOutputData(data: unknown): data is OutputData {
  return (
    data instanceof Float32Array ||
    data instanceof Uint8Array ||
    data instanceof Int32Array ||
    data instanceof BigInt64Array
  );
}

/** A loaded graph. */
export class GraphSession {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly #session: InferenceSession;
  readonly #runOptions: InferenceSession.RunOptions;
  #profileFolder: string | null;

  private constructor(session: InferenceSession, profileFolder: string | null, quiet: boolean) {
    this.#session = session;
    this.#runOptions = { logSeverityLevel: quiet ? FATAL : ERROR };
    this.#profileFolder = profileFolder;
    this.inputs = infos(session.inputMetadata);
    this.outputs = infos(session.outputMetadata);
  }

  /** Loads a graph from the bytes of an ONNX file. Rejects with ONNX Runtime's own error. */
  static async load(model: Uint8Array, options: SessionOptions): Promise<GraphSession> {
    const profileFolder = options.profile === true ? await mkdtemp(join(tmpdir(), 'goshawk-profile-')) : null;
    try {
      const session = await InferenceSession.create(model, {
        executionProviders: executionProviders(options),
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: options.optimize === false ? 'disabled' : 'all',
        logSeverityLevel: options.quiet === true ? FATAL : ERROR,
        extra: {
          session: {
            // Threads that sleep between the operators of a run wake too late: two take 12.5 ms for YOLOX-nano,
            // spinning ones 9.9 with as much CPU time. What costs cores is spinning between frames.
            intra_op: { allow_spinning: '1' },
            force_spinning_stop: '1',
            ...(options.exactInt8 === true ? { x64quantprecision: '1' } : {}),
          },
        },
        ...(profileFolder === null
          ? {}
          : { enableProfiling: true, profileFilePrefix: join(profileFolder, 'run') }),
      });
      return new GraphSession(session, profileFolder, options.quiet === true);
    } catch (error) {
      if (profileFolder !== null) await rm(profileFolder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Runs the graph; `fetches` names the outputs that are written in place. */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: Readonly<Record<string, Tensor>> = {},
  ): Promise<OutputValue[]> {
    const wanted: Record<string, Tensor | null> = {};
    for (const { name } of this.outputs) wanted[name] = fetches[name] ?? null;
    const results = await this.#session.run(feeds, wanted, this.#runOptions);
    return this.outputs.map(({ name }) => {
      const place = fetches[name];
      const tensor = place ?? results[name];
      if (place !== undefined) freeCopy(results[name], place);
      const data: unknown = tensor?.data;
      if (tensor === undefined || !isOutputData(data)) {
        throw new Error(`output ${name} has an unsupported type: ${tensor?.type ?? 'none'}`);
      }
      return { name, data, dims: tensor.dims };
    });
  }

  /** Ends profiling and returns what each node did; empty if `profile` was off. */
  async takeProfile(): Promise<ProfiledNode[]> {
    const folder = this.#profileFolder;
    if (folder === null) return [];
    this.#profileFolder = null;
    this.#session.endProfiling();
    try {
      const [file] = await readdir(folder);
      return file === undefined ? [] : parseProfile(await readFile(join(folder, file), 'utf8'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await this.takeProfile();
    await this.#session.release();
  }
}
