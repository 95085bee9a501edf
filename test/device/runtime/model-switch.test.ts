import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createSizedEngine } from '../../../src/device/inference/sized-engine.ts';
import { MeasurementCache, type MeasurementKey } from '../../../src/device/machine/measurement-cache.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import type { PipelineState } from '../../../src/device/pipeline/statistics/snapshot.ts';
import { ModelSwitch, type ModelSwitchOptions } from '../../../src/device/runtime/model-switch.ts';
import type { Bundle } from '../../../src/model/bundle.ts';
import { ALL_AUTO } from '../../core/sizing/all-auto.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';

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

/** A cache that keeps nothing, as on a disk that cannot be written. */
class Forgetful extends MeasurementCache {
  readonly asked: MeasurementKey['what'][] = [];

  constructor() {
    super(() => undefined);
  }

  override read<T>({ what }: MeasurementKey): Promise<T | null> {
    this.asked.push(what);
    return Promise.resolve(null);
  }

  override write(): Promise<void> {
    return Promise.resolve();
  }
}

it('returns to the configured bundle as it ran before: nothing is measured while frames flow', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-switch-'));
  const cache = new Forgetful();
  const bundle = await writeTinyBundle(join(folder, 'one'));
  const other = await writeTinyBundle(join(folder, 'two'), '1.0.1');
  const engine = { bundle, sizing: ALL_AUTO, cache, log: () => undefined };
  const pipeline = new FramePipeline({
    engine: createSizedEngine(engine),
    manifest: bundle.manifest,
    cameras: [{ name: 'front' }],
  });
  try {
    const { sizing: first, variant } = await pipeline.start();
    const models = new ModelSwitch({ pipeline, engine, limits: () => ({}), log: () => undefined });
    const before = [...cache.asked];
    expect(before).toContain('sizing');
    await models.to(other.folder);
    await models.to(null);
    expect(cache.asked).toEqual(before);
    expect(pipeline.engineInfo).toMatchObject({ variant, bundle: { digest: bundle.digest } });
    expect(pipeline.engineInfo?.sizing).toEqual(first);
  } finally {
    await pipeline.close();
    await rm(folder, { recursive: true, force: true });
  }
});
