import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxAgreement } from '../../src/core/drift/box-agreement.ts';
import { IMAGE_FEATURES } from '../../src/core/drift/features.ts';
import { BLOCK, BLOCK_FLOATS } from '../../src/core/drift/frame-block.ts';
import { FrameStatistics } from '../../src/core/drift/frame-statistics.ts';
import { letterboxFor } from '../../src/core/image/letterbox.ts';
import type { Bundle } from '../../src/model/bundle.ts';
import { createEngine } from '../../src/device/inference/create-engine.ts';
import type {
  DecodeLimits,
  EngineIncident,
  InferenceInput,
  InferenceOutcome,
} from '../../src/device/inference/engine.ts';
import type { RunnerPool } from '../../src/device/inference/runner-pool.ts';
import { TINY_SIZE } from '../device/authoring/tiny-detector.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

/** Real threads and processes with a real ONNX Runtime in them. */

const LIMITS: DecodeLimits = { scoreThreshold: 0.2, iouThreshold: 0.9, maxDetections: 50, classFilter: null };
const letterbox = letterboxFor(TINY_SIZE, TINY_SIZE, TINY_SIZE, TINY_SIZE, 'top-left');

let folder = '';
let bundle: Bundle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-inference-'));
  bundle = await writeTinyBundle(folder);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function image(seed: number, pixels = new Uint8Array(TINY_SIZE * TINY_SIZE * 3)): InferenceInput {
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = (Math.imul(i + seed, 2654435761) >>> 16) & 255;
  return { kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: TINY_SIZE * 3 };
}

function boxesOf({ items }: InferenceOutcome) {
  return items.map((item) =>
    item.ok ? Array.from(item.detections.boxes.subarray(0, 4 * item.detections.count)) : item.reason,
  );
}

/** Resolves with the first incident of a kind from now on. */
function incidentOf(engine: RunnerPool, kind: EngineIncident['kind']): Promise<EngineIncident> {
  return new Promise((resolve) => {
    engine.onIncident((incident) => {
      if (incident.kind === kind) resolve(incident);
    });
  });
}

async function withEngine<T>(
  options: Partial<Parameters<typeof createEngine>[0]>,
  use: (engine: RunnerPool) => Promise<T>,
): Promise<T> {
  const engine = createEngine({ bundle, ...options });
  await engine.start();
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

describe.each(['worker', 'child'] as const)('the %s engine', (kind) => {
  it('reports what it loaded', async () => {
    const engine = createEngine({ bundle, kind, workers: 2, queueDepth: 2 });
    const info = await engine.start();
    await engine.close();
    expect(info).toMatchObject({
      kind,
      bundle: { name: 'tiny', version: '1.0.0', digest: bundle.digest },
      variant: 'fp32',
      provider: 'cpu',
      threads: 1,
      workers: 2,
      maxBatch: 8,
    });
    expect(engine.parallel).toBe(4);
    expect(info.nodesByProvider['cpu']).toBeGreaterThan(3);
  });

  it('measures a frame if that is wanted, as the same code does here, and in the same slab', async () => {
    await withEngine({ kind }, async (engine) => {
      const plain = image(3);
      const expected = new Float32Array(BLOCK_FLOATS);
      const pixels = { layout: 'letterboxed', averages: false } as const;
      new FrameStatistics().measure({ ...plain, ...pixels }, new BoxAgreement(), expected);
      const { items } = await engine.infer([{ ...image(3), wantsStatistics: true }, image(3)], LIMITS);
      const [measured, other] = items.map((item) => (item.ok ? item : expect.unreachable(item.message)));
      expect(other?.statistics).toBeUndefined();
      const block = measured?.statistics ?? new Float32Array(0);
      expect(block.subarray(0, IMAGE_FEATURES.length)).toEqual(expected.subarray(0, IMAGE_FEATURES.length));
      expect(block.subarray(BLOCK.patches)).toEqual(expected.subarray(BLOCK.patches));
      expect(block[BLOCK.candidates]).toBeGreaterThan(0);
      expect(block[BLOCK.kept]).toBeGreaterThan(0);
      expect(measured?.detections.boxes).toEqual(other?.detections.boxes);
    });
  });

  it('returns every caller its own result with several runners, and buffers for the next frame', async () => {
    await withEngine({ kind, workers: 2, queueDepth: 2 }, async (engine) => {
      const expected: unknown[] = [];
      for (let seed = 0; seed < 8; seed += 1) {
        expected.push(...boxesOf(await engine.infer([image(seed)], LIMITS)));
      }
      expect(new Set(expected.map((boxes) => JSON.stringify(boxes))).size).toBe(8);
      for (let round = 0; round < 3; round += 1) {
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, (_, seed) => engine.infer([image(seed)], LIMITS)),
        );
        expect(outcomes.flatMap(boxesOf)).toEqual(expected);
        for (const { items } of outcomes) {
          for (const item of items) {
            expect(item.pixels?.byteLength).toBe(TINY_SIZE * TINY_SIZE * 3);
            if (item.ok) engine.recycle(item.detections);
          }
        }
      }
      const together = await engine.infer(
        Array.from({ length: 8 }, (_, seed) => image(seed)),
        LIMITS,
      );
      expect(boxesOf(together)).toEqual(expected);
    });
  });

  it('refuses individual bad frames and continues', async () => {
    await withEngine({ kind }, async (engine) => {
      const black = image(0);
      black.pixels.fill(0);
      const short = { ...image(0), pixels: new Uint8Array(5) };
      const outcomes = [black, short, image(1)].map((input) => engine.infer([input], LIMITS));
      const items = (await Promise.all(outcomes)).flatMap((outcome) => outcome.items);
      expect(items.map((item) => (item.ok ? 'ok' : `${item.reason} ${item.code}`))).toEqual([
        'invalid_output GOSHAWK_MODEL_OUTPUT_INVALID',
        'malformed GOSHAWK_INFERENCE_FAILED',
        'ok',
      ]);
    });
  });

  it('drains before it closes: nothing is lost, nothing aborts', async () => {
    const engine = createEngine({ bundle, kind });
    await engine.start();
    const inFlight = engine.infer([image(1)], LIMITS);
    const waiting = engine.infer([image(2)], LIMITS);
    await Promise.all([engine.close(), engine.close()]);
    expect((await inFlight).items[0]?.ok).toBe(true);
    expect(boxesOf(await waiting)).toEqual(['shutdown']);
    expect(boxesOf(await engine.infer([image(3)], LIMITS))).toEqual(['shutdown']);
  });

  it('a bundle that changed on disk is refused at start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'goshawk-changed-'));
    await cp(bundle.folder, folder, { recursive: true });
    await appendFile(join(folder, bundle.manifest.variants[0]!.file), 'more');
    await expect(createEngine({ bundle: { ...bundle, folder }, kind }).start()).rejects.toMatchObject({
      code: 'GOSHAWK_BUNDLE_DIGEST',
    });
    await rm(folder, { recursive: true });
  });
});

/** The engine's default time limit for a frame on a robot. */
const BACK_WITHIN_MS = 5000;

describe('a child process that dies', () => {
  it.each(['SIGKILL', 'SIGSEGV'] as const)(
    'by %s: only its frames in flight are lost, and it recovers before the others are given up',
    async (signal) => {
      // a frame that waits longer is settled as lost, so a result proves that the child recovered in time
      await withEngine({ kind: 'child', timeoutMs: BACK_WITHIN_MS }, async (engine) => {
        const [reference] = boxesOf(await engine.infer([image(1)], LIMITS));
        const lost = incidentOf(engine, 'lost');
        const restored = incidentOf(engine, 'restored');
        const [pid] = engine.pids;
        if (pid === undefined) throw new Error('a child without a process id');
        // stopped first, so that the frame is certainly in flight there
        process.kill(pid, 'SIGSTOP');
        const outcomes = Array.from({ length: 5 }, () => engine.infer([image(1)], LIMITS));
        process.kill(pid, signal);
        process.kill(pid, 'SIGCONT');
        const settled = (await Promise.all(outcomes)).flatMap(boxesOf);
        expect(settled).toEqual(['engine_lost', reference, reference, reference, reference]);
        expect(await lost).toMatchObject({
          code: 'GOSHAWK_ENGINE_CRASHED',
          lostJobs: 1,
          message: expect.stringContaining(signal) as string,
        });
        await restored;
        expect(engine.pids).not.toEqual([pid]);
      });
    },
  );

  it('every frame of a storm of crashes is accounted for', async () => {
    await withEngine({ kind: 'child', workers: 2 }, async (engine) => {
      const outcomes: Promise<InferenceOutcome>[] = [];
      for (let crash = 0; crash < 3; crash += 1) {
        for (let i = 0; i < 20; i += 1) outcomes.push(engine.infer([image(i)], LIMITS));
        const restored = incidentOf(engine, 'restored');
        for (const pid of engine.pids.slice(0, 1)) process.kill(pid, 'SIGKILL');
        await restored;
      }
      const items = (await Promise.all(outcomes)).flatMap((outcome) => outcome.items);
      expect(items).toHaveLength(60);
      const lost = items.filter((item) => !item.ok);
      expect(lost.every((item) => !item.ok && item.reason === 'engine_lost')).toBe(true);
      expect(lost.length).toBeLessThanOrEqual(3);
      expect(items.every((item) => item.pixels?.byteLength === TINY_SIZE * TINY_SIZE * 3)).toBe(true);
    });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'does not die from the %s of its group: the frame in flight is finished',
    async (signal) => {
      await withEngine({ kind: 'child' }, async (engine) => {
        const [pid] = engine.pids;
        if (pid === undefined) throw new Error('a child without a process id');
        const outcome = engine.infer([image(1)], LIMITS);
        process.kill(pid, signal);
        expect((await outcome).items[0]?.ok).toBe(true);
        expect((await engine.infer([image(2)], LIMITS)).items[0]?.ok).toBe(true);
        expect(engine.pids).toEqual([pid]);
      });
    },
  );

  it('by hanging: it is killed after the time limit and replaced', async () => {
    await withEngine({ kind: 'child', timeoutMs: 500 }, async (engine) => {
      const restored = incidentOf(engine, 'restored');
      const [pid] = engine.pids;
      if (pid === undefined) throw new Error('a child without a process id');
      process.kill(pid, 'SIGSTOP');
      const outcome = await engine.infer([image(1)], LIMITS);
      expect(outcome.items[0]).toMatchObject({
        ok: false,
        reason: 'engine_lost',
        code: 'GOSHAWK_ENGINE_TIMEOUT',
      });
      await restored;
      expect((await engine.infer([image(1)], LIMITS)).items[0]?.ok).toBe(true);
    });
  });
});

it('an engine that nothing here can run is refused with the reasons', async () => {
  const preferred = ['tensorrt'] as const;
  const engine = createEngine({ bundle, preferred, strict: true });
  const outcome = await engine.start().then(
    (info) => info.provider,
    (error: unknown) => (error as { code: string }).code,
  );
  await engine.close();
  expect(['tensorrt', 'GOSHAWK_PROVIDER_UNAVAILABLE']).toContain(outcome);
});
