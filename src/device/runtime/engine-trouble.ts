import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';

/** The state of inference, in words. */
export interface EngineCondition {
  /** `down`: no runner is left; `degraded`: some are lost; `recovered`: all are running again after losses */
  readonly state: 'running' | 'recovered' | 'degraded' | 'down';
  readonly words: string;
}

type Stats = Pick<PipelineSnapshot, 'engine' | 'engineLost' | 'engineRestored' | 'lastIncident'>;

/** Sums up losses and returns of runners. */
export function engineCondition({
  engine,
  engineLost,
  engineRestored,
  lastIncident,
}: Stats): EngineCondition {
  const missing = engineLost - engineRestored;
  const workers = engine?.workers ?? 1;
  const last = lastIncident ?? 'unknown';
  if (missing >= workers) return { state: 'down', words: `inference is down: ${last}` };
  if (missing > 0)
    return {
      state: 'degraded',
      words: `${String(missing)} of ${String(workers)} inference runners are down: ${last}`,
    };
  if (engineLost > 0)
    return {
      state: 'recovered',
      words: `inference was lost ${String(engineLost)} times and recovered; last: ${last}`,
    };
  return { state: 'running', words: 'running' };
}
