import { availableParallelism } from 'node:os';
import { candidatesFor, type EngineSetting, type SettingRequest } from '../../core/sizing/settings.ts';
import { createEngine, type EngineOptions } from './create-engine.ts';
import type { InferenceEngine } from './engine.ts';

export interface SizedEngineOptions extends Omit<EngineOptions, 'workers' | 'threads' | 'queueDepth'> {
  /** what is fixed, and what is left to the machine */
  readonly sizing: SettingRequest;
}

/** An engine for a bundle, divided over the machine as the request and the machine have it; nothing runs before `start`. */
export function createSizedEngine({ sizing, ...options }: SizedEngineOptions): InferenceEngine {
  return createEngine({ ...options, ...(fixedSetting(sizing) ?? candidatesFor(machine(), sizing).safe) });
}

/** The setting where nothing is left to choose. */
function fixedSetting({ workers, threads, queueDepth }: SettingRequest): EngineSetting | null {
  return workers === null || threads === null || queueDepth === null
    ? null
    : { workers, threads, queueDepth };
}

function machine(): Parameters<typeof candidatesFor>[0] {
  return { cores: availableParallelism(), isAccelerated: false };
}
