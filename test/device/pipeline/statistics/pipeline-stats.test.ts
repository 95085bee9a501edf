import { describe, expect, it } from 'vitest';
import type { EngineIncident } from '../../../../src/device/inference/engine.ts';
import { PipelineFigures } from '../../../../src/device/pipeline/statistics/pipeline-stats.ts';

function incident(kind: EngineIncident['kind']): EngineIncident {
  return { kind, code: 'GOSHAWK_ENGINE_CRASHED', message: kind, lostJobs: 0 };
}

describe('PipelineFigures', () => {
  it('counts each loss of the engine once, however many starts fail before it is back', () => {
    const figures = new PipelineFigures();
    for (const kind of ['lost', 'failed', 'failed'] as const) figures.noteIncident(incident(kind));
    expect(figures.read(0)).toMatchObject({ engineLost: 1, engineRestored: 0 });
    figures.noteIncident(incident('restored'));
    expect(figures.read(0)).toMatchObject({
      engineLost: 1,
      engineRestored: 1,
      lastIncident: 'GOSHAWK_ENGINE_CRASHED: restored',
    });
  });

  it('counts time from its beginning, be that zero on the clock', () => {
    const figures = new PipelineFigures();
    expect(figures.read(9000).uptimeSeconds).toBe(0);
    figures.begin(0);
    expect(figures.read(9000).uptimeSeconds).toBe(9);
  });
});
