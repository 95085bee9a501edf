import type { ProviderName } from '../../contract/bundle.ts';
import type { Bundle } from '../../model/bundle.ts';
import type { MeasurementCache } from '../machine/measurement-cache.ts';
import type { EngineInfo } from './engine.ts';
import { createChildHandle } from './child-handle.ts';
import type { HandleFactory } from './runner-handle.ts';
import type { ModelRequest } from './runner-messages.ts';
import { createWorkerHandle } from './worker-handle.ts';

export interface EngineOptions {
  readonly bundle: Bundle;
  /**
   * `worker`: threads, fast, a native crash ends the process. `child`: processes, pixels are copied, a crash
   * costs one frame.
   */
  readonly kind?: 'worker' | 'child';
  /** runners, each with a session of its own; 1 unless told otherwise */
  readonly workers?: number;
  /** ONNX Runtime's threads within each runner; 1 unless told otherwise */
  readonly threads?: number;
  /** lets those threads spin between frames too: burns cores, off unless told otherwise */
  readonly spinning?: boolean;
  /** execution providers, best first; `tensorrt, cuda, cpu` unless told otherwise */
  readonly preferred?: readonly ProviderName[];
  /** refuses to start on less than the first of the wish */
  readonly strict?: boolean;
  /**
   * id of the bundle's variant; otherwise the fastest for the provider that gives what it gave when it was
   * evaluated, as measured here
   */
  readonly variant?: string;
  /**
   * an engine that runs the same bundle here: its variant, provider and kernels are taken, and nothing is
   * chosen anew
   */
  readonly like?: EngineInfo;
  /** where what was measured is kept; the user's cache folder unless told otherwise */
  readonly cache?: MeasurementCache;
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
 * How long loading may take before it counts as hung, milliseconds. Others report up to an hour for
 * TensorRT's search for kernels on small boards; CUDA compiles kernels for boards that its binaries do not
 * cover.
 */
const START_LIMIT_MS: Readonly<Record<ProviderName, number>> = {
  tensorrt: 90 * 60_000,
  cuda: 10 * 60_000,
  cpu: 60_000,
};

/** Milliseconds that loading may take on a provider. */
export function startLimit(provider: ProviderName, options: Pick<EngineOptions, 'startTimeoutMs'>): number {
  return options.startTimeoutMs ?? START_LIMIT_MS[provider];
}

/** How a runner of the engine is made. */
export function handleFactory(kind: EngineOptions['kind'] = 'worker'): HandleFactory {
  return kind === 'worker' ? createWorkerHandle : createChildHandle;
}
