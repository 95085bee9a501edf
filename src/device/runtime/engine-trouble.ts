import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';

/** How inference is doing, for people. */
export interface EngineCondition {
  /** `down`: no runner is left; `degraded`: some are lost; `recovered`: all are there, and some were lost before */
  readonly state: 'running' | 'recovered' | 'degraded' | 'down';
  readonly words: string;
}

type Stats = Pick<PipelineSnapshot, 'engine' | 'engineLost' | 'engineRestored' | 'lastIncident'>;

/** What losses and returns of runners come to. */
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
      words: `inference was lost ${String(engineLost)} times and came back; last: ${last}`,
    };
  return { state: 'running', words: 'running' };
}
