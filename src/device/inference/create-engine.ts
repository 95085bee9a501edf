import { join } from 'node:path';
import { PROVIDERS, type ProviderName } from '../../contract/bundle.ts';
import { claimsOf, type Bundle } from '../bundles/bundle.ts';
import { createChildLane } from './child-lane.ts';
import { readEngineHost, type EngineHost } from './engine-compat.ts';
import { LaneEngine } from './lane-engine.ts';
import type { ModelRequest } from './protocol.ts';
import { chooseProvider, listSupportedProviders, type ProviderCandidate } from './providers.ts';
import { createWorkerLane } from './worker-lane.ts';

export interface EngineOptions {
  readonly bundle: Bundle;
  /** `worker`: threads, fast, a native crash ends the process. `child`: processes, pixels are copied, a crash costs one frame. */
  readonly kind?: 'worker' | 'child';
  /** runners, each with a session of its own; 1 unless told otherwise */
  readonly workers?: number;
  /** ONNX Runtime's threads within each runner; 1 unless told otherwise */
  readonly threads?: number;
  /** lets those threads spin while they wait: burns cores between frames, off unless told otherwise */
  readonly spinning?: boolean;
  /** execution providers, best first; `tensorrt, cuda, cpu` unless told otherwise */
  readonly wish?: readonly ProviderName[];
  /** refuses to start on less than the first of the wish */
  readonly strict?: boolean;
  /** id of the bundle's variant; otherwise the first that is meant for the provider */
  readonly variant?: string;
  /** graphs that are loaded and warm before the first frame; the other one is loaded when its first frame comes */
  readonly inputs?: ModelRequest['inputs'];
  /** jobs that a runner holds at once; 2 hides the hop between threads, at the price of a frame's wait */
  readonly queueDepth?: number;
  /** milliseconds that one job may take */
  readonly timeoutMs?: number;
  /** milliseconds that loading may take; by the provider unless told otherwise: TensorRT builds an engine first */
  readonly startTimeoutMs?: number;
  /** starts all runners at once, for a model that is known to load; otherwise the first alone */
  readonly startTogether?: boolean;
}

/**
 * How long loading may take before it counts as hung, milliseconds. Others report up to an hour for TensorRT's search for kernels on
 * small boards; CUDA compiles kernels for boards that its binaries do not cover.
 */
const START_LIMIT_MS: Readonly<Record<ProviderName, number>> = {
  tensorrt: 90 * 60_000,
  cuda: 10 * 60_000,
  cpu: 60_000,
};

const NO_ENGINES: EngineHost = { tensorrt: null, computeCapability: null };

/** An engine for a bundle; nothing runs before `start`. */
export function createEngine(options: EngineOptions): LaneEngine {
  const { bundle, kind = 'worker', workers = 1, queueDepth = 1 } = options;
  const { manifest } = bundle;
  const wish = options.wish ?? PROVIDERS;
  const choice = chooseProvider({
    wish,
    supported: listSupportedProviders(),
    variants: manifest.variants,
    strict: options.strict ?? false,
    variant: options.variant ?? null,
    host: manifest.variants.some(({ engine }) => engine !== undefined) ? readEngineHost() : NO_ENGINES,
  });
  const requestFor = ({ provider, fallbacks, variant }: ProviderCandidate): ModelRequest => ({
    ...claimsOf(manifest),
    file: join(bundle.folder, variant.file),
    sha256: variant.sha256,
    padValue: manifest.input.padValue,
    resize: manifest.input.resize,
    maxBatch: variant.batch.max,
    provider,
    fallbacks,
    threads: options.threads ?? 1,
    spinning: options.spinning ?? false,
    inputs: options.inputs ?? 'letterboxed',
  });
  return new LaneEngine({
    kind,
    createLane: kind === 'worker' ? createWorkerLane : createChildLane,
    bundle: { name: manifest.name, version: manifest.version, digest: bundle.digest },
    choice,
    wish: wish.join(', '),
    requestFor,
    workers,
    queueDepth,
    startTogether: options.startTogether ?? false,
    timeoutMs: options.timeoutMs ?? 5000,
    startTimeoutMs: (provider) => options.startTimeoutMs ?? START_LIMIT_MS[provider],
  });
}
