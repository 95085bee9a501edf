import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';

/** How inference is doing, for people. */
export interface EngineCondition {
  /** `down`: no runner is left; `weak`: some are lost; `mended`: all are there, and some were lost before */
  readonly state: 'running' | 'mended' | 'weak' | 'down';
  readonly words: string;
}

type Figures = Pick<PipelineSnapshot, 'engine' | 'engineLost' | 'engineRestored' | 'lastIncident'>;

/** What losses and returns of runners come to. */
export function engineCondition({
  engine,
  engineLost,
  engineRestored,
  lastIncident,
}: Figures): EngineCondition {
  const missing = engineLost - engineRestored;
  const workers = engine?.workers ?? 1;
  const last = lastIncident ?? 'unknown';
  if (missing >= workers) return { state: 'down', words: `inference is down: ${last}` };
  if (missing > 0)
    return {
      state: 'weak',
      words: `${String(missing)} of ${String(workers)} inference runners are down: ${last}`,
    };
  if (engineLost > 0)
    return {
      state: 'mended',
      words: `inference was lost ${String(engineLost)} times and came back; last: ${last}`,
    };
  return { state: 'running', words: 'running' };
}
