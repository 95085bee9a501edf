import type { EngineSetting, SettingRequest } from '../../core/sizing/settings.ts';
import { createEngine, type EngineOptions } from './create-engine.ts';
import { ElasticEngine } from './elastic-engine.ts';
import type { EngineInfo, InferenceEngine } from './engine.ts';
import type { RunnerPool } from './runner-pool.ts';
import { openSized } from './open-sized.ts';

export interface SizedEngineOptions extends Omit<EngineOptions, 'workers' | 'threads' | 'queueDepth'> {
  /** what is fixed, and what the machine decides */
  readonly sizing: SettingRequest;
  /** gets measurements that cannot be made, stored or read */
  readonly log: (line: string) => void;
}

/**
 * Creates an engine for a bundle, sized as requested; nothing runs before `start`. If everything is fixed, it is a
 * plain runner pool; otherwise settings are measured at start, and it moves between them with the load.
 */
export function createSizedEngine({ sizing, log, ...engine }: SizedEngineOptions): InferenceEngine {
  const fixed = fixedSetting(sizing);
  if (fixed !== null) return createEngine({ ...engine, ...fixed });
  const createLike = (setting: EngineSetting, like: EngineInfo, isProbe: boolean): RunnerPool =>
    createEngine({
      ...engine,
      ...setting,
      like,
      ...(isProbe ? { inputs: 'letterboxed', startTogether: true } : {}),
    });
  const create = (setting: EngineSetting): RunnerPool => createEngine({ ...engine, ...setting });
  return new ElasticEngine({
    open: (signal) => openSized({ engine, request: sizing, log, create, createLike }, signal),
    create: (setting, like) => createLike(setting, like, false),
  });
}

/** The setting if nothing is left to choose. */
function fixedSetting({ workers, threads, queueDepth }: SettingRequest): EngineSetting | null {
  return workers === null || threads === null || queueDepth === null
    ? null
    : { workers, threads, queueDepth };
}
