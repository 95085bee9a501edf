import { describe, expect, it } from 'vitest';
import type { EngineIncident } from '../../../../src/device/inference/engine.ts';
import { PipelineStats } from '../../../../src/device/pipeline/statistics/pipeline-stats.ts';

function incident(kind: EngineIncident['kind']): EngineIncident {
  return { kind, code: 'GOSHAWK_ENGINE_CRASHED', message: kind, lostJobs: 0 };
}

describe('PipelineStats', () => {
  it('counts each loss of the engine once, however many restarts fail', () => {
    const stats = new PipelineStats();
    for (const kind of ['lost', 'failed', 'failed'] as const) stats.noteIncident(incident(kind));
    expect(stats.read(0)).toMatchObject({ engineLost: 1, engineRestored: 0 });
    stats.noteIncident(incident('restored'));
    expect(stats.read(0)).toMatchObject({
      engineLost: 1,
      engineRestored: 1,
      lastIncident: 'GOSHAWK_ENGINE_CRASHED: restored',
    });
  });

  it('counts time from its start, even if the clock is at zero', () => {
    const stats = new PipelineStats();
    expect(stats.read(9000).uptimeSeconds).toBe(0);
    stats.begin(0);
    expect(stats.read(9000).uptimeSeconds).toBe(9);
  });
});
