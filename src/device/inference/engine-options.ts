import { PROVIDER_TABLE, type ProviderName } from '../../contract/providers.ts';
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
   * `worker`: threads; fast, but a native crash ends the process. `child`: processes; pixels are copied, and a crash
   * costs one frame.
   */
  readonly kind?: 'worker' | 'child';
  /** runners, each with its own session; default 1 */
  readonly workers?: number;
  /** ONNX Runtime's threads within each runner; default 1 */
  readonly threads?: number;
  /** execution providers, best first; default `tensorrt, cuda, cpu` */
  readonly preferred?: readonly ProviderName[];
  /** refuses to start on anything less than the first preferred provider */
  readonly strict?: boolean;
  /**
   * id of the bundle's variant; default: the fastest for the provider, as measured here, that passes its reference
   * check
   */
  readonly variant?: string;
  /**
   * an engine that already runs the same bundle here: its variant, provider and kernels are used, and nothing is chosen
   * again
   */
  readonly like?: EngineInfo;
  /** where measurements are kept; default: the user's cache folder */
  readonly cache?: MeasurementCache;
  /** graphs that are loaded and warm before the first frame; any other is loaded when its first frame arrives */
  readonly inputs?: ModelRequest['inputs'];
  /** jobs that a runner holds at a time; 2 hides the hop between threads, but a frame may wait */
  readonly queueDepth?: number;
  /** time limit of one job, milliseconds */
  readonly timeoutMs?: number;
  /** time limit of loading, milliseconds; the default depends on the provider, since TensorRT builds an engine first */
  readonly startTimeoutMs?: number;
  /** starts all runners at the same time, for a model that is known to load; otherwise the first one alone */
  readonly startTogether?: boolean;
}

/** Milliseconds that loading may take on a provider. */
export function startLimit(provider: ProviderName, options: Pick<EngineOptions, 'startTimeoutMs'>): number {
  return options.startTimeoutMs ?? PROVIDER_TABLE[provider].startLimitMs;
}

/** How the engine creates its runners. */
export function handleFactory(kind: EngineOptions['kind'] = 'worker'): HandleFactory {
  return kind === 'worker' ? createWorkerHandle : createChildHandle;
}
