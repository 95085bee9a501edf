import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { z } from 'zod';
import type { EngineSetting } from '../../../src/core/sizing/settings.ts';
import { openSized } from '../../../src/device/inference/open-sized.ts';
import { MeasurementCache, type MeasurementKey } from '../../../src/device/machine/measurement-cache.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';
import { FakeEngine } from '../pipeline/fakes.ts';
import { ALL_AUTO } from '../../core/sizing/all-auto.ts';

const KEPT = {
  variant: 'fp32',
  provider: 'cpu',
  latency: { workers: 1, threads: 1, queueDepth: 1 },
  throughput: null,
  why: 'kept from another start',
  measured: [],
};

/** A cache that returns one value for any key. */
class Holding extends MeasurementCache {
  readonly #value: unknown;

  constructor(value: unknown) {
    super(() => undefined);
    this.#value = value;
  }

  override read<T>(_key: MeasurementKey, schema: z.ZodType<T>): Promise<T | null> {
    return Promise.resolve(schema.parse(this.#value));
  }

  override write(): Promise<void> {
    return Promise.resolve();
  }
}

class FakeSettled extends FakeEngine {
  setQueueDepth(): void {
    // the test decides how deep its queue is
  }
}

it.each([
  ['from before doubts were counted', KEPT, true],
  ['that nobody doubts', { ...KEPT, doubts: 0 }, true],
  ['that was doubted once', { ...KEPT, doubts: 1 }, false],
  ['that was doubted twice', { ...KEPT, doubts: 2 }, false],
  ['that came three times in a row', { ...KEPT, doubts: 3 }, true],
])('a measurement %s: whether the next start uses it', async (_name, value, isUsed) => {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-sized-'));
  try {
    const bundle = await writeTinyBundle(folder);
    const started: EngineSetting[] = [];
    const create = (setting: EngineSetting): FakeSettled => {
      started.push(setting);
      return new FakeSettled(setting.workers * setting.queueDepth);
    };
    const { choice } = await openSized(
      {
        engine: { bundle, cache: new Holding(value) },
        request: ALL_AUTO,
        log: () => undefined,
        create,
        createLike: create,
      },
      new AbortController().signal,
    );
    expect(choice.why === KEPT.why).toBe(isUsed);
    if (isUsed) expect(started).toEqual([KEPT.latency]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
