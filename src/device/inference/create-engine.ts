import { PROVIDERS } from '../../contract/providers.ts';
import { handleFactory, startLimit, type EngineOptions } from './engine-options.ts';
import { RunnerPool } from './runner-pool.ts';
import { planEngine } from './plan-engine.ts';

export type { EngineOptions } from './engine-options.ts';

/** Creates an engine for a bundle; nothing runs before `start`. */
export function createEngine(options: EngineOptions): RunnerPool {
  const { bundle, kind = 'worker', workers = 1, queueDepth = 1, strict = false } = options;
  const { name, version } = bundle.manifest;
  return new RunnerPool({
    kind,
    createHandle: handleFactory(kind),
    bundle: { name, version, digest: bundle.digest },
    plan: () => planEngine(options),
    preferred: (options.preferred ?? PROVIDERS).join(', '),
    strict,
    workers,
    queueDepth,
    startTogether: options.startTogether ?? false,
    timeoutMs: options.timeoutMs ?? 5000,
    startTimeoutMs: (provider) => startLimit(provider, options),
  });
}
