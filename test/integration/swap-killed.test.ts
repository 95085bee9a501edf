import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createEngine } from '../../src/device/inference/create-engine.ts';
import type { RunnerPool } from '../../src/device/inference/runner-pool.ts';
import { FramePipeline } from '../../src/device/pipeline/pipeline.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { FrameMaker, rawImage } from '../device/pipeline/fakes.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

/** Ends the processes of an engine, as a crash in native code does. */
function kill(engine: RunnerPool): void {
  for (const pid of engine.pids) process.kill(pid, 'SIGKILL');
}

/** A pipeline of real processes, in which one frame was published, and another engine of the same bundle. */
async function running() {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-swap-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const bundle = await writeTinyBundle(folder);
  const { manifest } = bundle;
  const pipeline = new FramePipeline({
    engine: createEngine({ bundle, kind: 'child' }),
    manifest,
    cameras: [{ name: 'front' }],
  });
  onTestFinished(() => pipeline.close());
  await pipeline.start();
  pipeline.activate();
  const frames = new FrameMaker('front', systemClock);
  /** Offers a frame, and waits for what becomes of it. */
  const offer = async (): Promise<void> => {
    pipeline.offer(frames.next(rawImage('rgb8', 64, 48)));
    await expect.poll(() => pipeline.counts().inFlight).toBe(0);
  };
  await offer();
  const other = createEngine({ bundle, kind: 'child' });
  const swap = () => pipeline.swap({ engine: other, manifest, limits: () => ({}) });
  return { pipeline, offer, other, swap };
}

it.each([
  [
    'while it loads',
    'GOSHAWK_ENGINE_CRASHED',
    (engine: RunnerPool) => {
      const killer = setInterval(() => {
        if (engine.pids.length === 0) return;
        clearInterval(killer);
        kill(engine);
      }, 1);
      onTestFinished(() => clearInterval(killer));
    },
  ],
  [
    'once it is loaded, and before its first frame',
    'GOSHAWK_SWAP_LOST',
    (engine: RunnerPool) => {
      const start = engine.start.bind(engine);
      engine.start = async () => {
        const info = await start();
        kill(engine);
        return info;
      };
    },
  ],
])(
  'the model that runs goes on where the process of another one is killed %s',
  async (_when, code, attack) => {
    const { pipeline, offer, other, swap } = await running();
    attack(other);
    await expect(swap()).rejects.toMatchObject({
      code,
      message: expect.stringContaining('SIGKILL') as string,
    });
    expect(other.pids).toEqual([]);
    await offer();
    expect(pipeline.counts()).toMatchObject({ received: 2, published: 2, drops: {}, inFlight: 0 });
    expect(pipeline.snapshot().engineLost).toBe(0);
  },
);
