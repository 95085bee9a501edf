import { beforeEach, describe, expect, it } from 'vitest';
import type { PipelineState } from '../../../src/device/pipeline/statistics/snapshot.ts';
import { ModelSwitch, type ModelSwitchOptions } from '../../../src/device/runtime/model-switch.ts';
import type { Bundle } from '../../../src/model/bundle.ts';

const BUNDLE = { digest: 'd', manifest: { name: 'tiny', version: '1.0.0' } } as Bundle;

describe('ModelSwitch', () => {
  let state: PipelineState = 'active';
  let told = 0;
  let logged: string[] = [];
  beforeEach(() => {
    [state, told, logged] = ['active', 0, []];
  });

  function switchOf(onSwapped: NonNullable<ModelSwitchOptions['onSwapped']>): ModelSwitch {
    return new ModelSwitch({
      pipeline: {
        engineInfo: null,
        get state() {
          return state;
        },
        swap: (next) => {
          next.limits();
          return Promise.resolve({} as Awaited<ReturnType<ModelSwitchOptions['pipeline']['swap']>>);
        },
      },
      engine: {
        bundle: BUNDLE,
        sizing: { workers: null, threads: null, queueDepth: null },
        log: () => undefined,
      },
      limits: () => ({}),
      onSwapped,
      log: (line) => void logged.push(line),
    });
  }

  it('says that the model runs although what follows the change fails', async () => {
    await switchOf(() => {
      throw new Error('no such publisher');
    }).to(null);
    expect(logged).toEqual([
      expect.stringContaining('no such publisher'),
      expect.stringMatching(/^MODEL_SWAPPED: tiny@1.0.0/),
    ]);
  });

  it.each(['active', 'closing', 'closed'] as const)(
    'tells of it only while the pipeline goes on: %s',
    async (now) => {
      state = now;
      await switchOf(() => void (told += 1)).to(null);
      expect(told).toBe(now === 'active' ? 1 : 0);
    },
  );
});
