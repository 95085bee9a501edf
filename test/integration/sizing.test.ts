import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { letterboxFor } from '../../src/core/image/letterbox.ts';
import type { EngineSetting } from '../../src/core/sizing/settings.ts';
import type { Bundle } from '../../src/model/bundle.ts';
import { createEngine } from '../../src/device/inference/create-engine.ts';
import { ElasticEngine } from '../../src/device/inference/elastic-engine.ts';
import type { DecodeLimits, EngineInfo, InferenceInput } from '../../src/device/inference/engine.ts';
import { createSizedEngine } from '../../src/device/inference/sized-engine.ts';
import { TINY_SIZE } from '../device/authoring/tiny-detector.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';
import { CLI } from '../support/programs.ts';
import { ALL_AUTO } from '../core/sizing/all-auto.ts';

/** Engines that size themselves, with real threads and processes and a real ONNX Runtime in them. */

const LIMITS: DecodeLimits = { scoreThreshold: 0.2, iouThreshold: 0.9, maxDetections: 50, classFilter: null };
const LATENCY: EngineSetting = { workers: 1, threads: 2, queueDepth: 1 };
const THROUGHPUT: EngineSetting = { workers: 2, threads: 1, queueDepth: 2 };
const letterbox = letterboxFor(TINY_SIZE, TINY_SIZE, TINY_SIZE, TINY_SIZE, 'top-left');

let folder = '';
let bundle: Bundle;
const cacheBefore = process.env['GOSHAWK_CACHE'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-sizing-'));
  bundle = await writeTinyBundle(folder);
  process.env['GOSHAWK_CACHE'] = join(folder, 'cache');
});

afterAll(async () => {
  if (cacheBefore === undefined) delete process.env['GOSHAWK_CACHE'];
  else process.env['GOSHAWK_CACHE'] = cacheBefore;
  await rm(folder, { recursive: true, force: true });
});

function image(seed: number): InferenceInput {
  const pixels = new Uint8Array(TINY_SIZE * TINY_SIZE * 3);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = (Math.imul(i + seed, 2654435761) >>> 16) & 255;
  return { kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: TINY_SIZE * 3 };
}

describe.each(['worker', 'child'] as const)('the %s engine', (kind) => {
  it('moves to another setting and back while it runs, and every job gets its own result', async () => {
    const create = (setting: EngineSetting) => createEngine({ bundle, kind, ...setting });
    const engine = new ElasticEngine({
      open: async () => {
        const first = create(LATENCY);
        const choice = {
          latency: LATENCY,
          throughput: THROUGHPUT,
          isProven: true,
          isMeasured: true,
          why: 'told so',
          measured: [],
        };
        return { engine: first, info: await first.start(), choice };
      },
      create,
    });
    const load = { received: 0, superseded: 0, published: 0 };
    const became: EngineInfo[] = [];
    const lost: string[] = [];
    engine.onIncident(({ message }) => lost.push(message));
    engine.follow({
      counts: () => ({ ...load }),
      onSizing: (info) => became.push(info),
    });
    await engine.start();
    const resultOf = async (seed: number): Promise<unknown> => {
      const { items } = await engine.infer([image(seed)], LIMITS);
      return items.map((item) =>
        item.ok ? Array.from(item.detections.boxes.subarray(0, 4 * item.detections.count)) : item.reason,
      );
    };
    const expected: unknown[] = [];
    for (let seed = 0; seed < 8; seed += 1) expected.push(await resultOf(seed));
    expect(new Set(expected.map((boxes) => JSON.stringify(boxes))).size).toBe(8);
    const work = async (isPressed: boolean, moves: number): Promise<void> => {
      for (let seed = 0; became.length < moves; seed = (seed + 1) % 8) {
        const jobs = Array.from({ length: engine.parallel }, (_, index) => (seed + index) % 8);
        // far fewer frames than were superseded under pressure, so that it may move back
        load.received += isPressed ? 60 : 1;
        load.published += isPressed ? 40 : 1;
        load.superseded += isPressed ? 20 : 0;
        expect(await Promise.all(jobs.map(resultOf))).toEqual(jobs.map((index) => expected[index]));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await work(true, 1);
    expect(became[0]).toMatchObject({ ...THROUGHPUT, kind, sizing: { role: 'throughput', moves: 1 } });
    expect(engine.parallel).toBeGreaterThanOrEqual(4);
    await work(false, 2);
    expect(became[1]).toMatchObject({ ...LATENCY, kind, sizing: { role: 'latency', moves: 2 } });
    await engine.close();
    expect(lost).toEqual([]);
  });

  it('is measured at its first start and stored, or reports why it could not be', async () => {
    const start = async (): Promise<EngineInfo> => {
      const engine = createSizedEngine({ bundle, kind, sizing: ALL_AUTO, log: () => undefined });
      const info = await engine.start();
      await engine.close();
      return info;
    };
    const { sizing } = await start();
    expect(sizing?.role).toBe('latency');
    if (sizing?.isMeasured === true) {
      expect(sizing.why).toMatch(/^measured here: |^there is nothing to choose/);
      expect((await readdir(join(folder, 'cache'))).length).toBeGreaterThan(0);
      // threads gain nothing in such a small network: such a result is measured again before it is believed
      const isDoubted = sizing.why.includes('next start measures again (1 of 3)');
      const again = (await start()).sizing;
      if (isDoubted) expect(again?.why).not.toBe(sizing.why);
      else expect(again).toEqual(sizing);
    } else expect(sizing?.why).toMatch(/^(the machine is too busy to measure|measuring took too long)/);
  });
});

it('fixed values stay as set', async () => {
  const sizing = { workers: 2, threads: 1, queueDepth: 1 };
  const engine = createSizedEngine({ bundle, sizing, log: () => undefined });
  expect(await engine.start()).toMatchObject({ ...sizing, sizing: null });
  await engine.close();
});

it('one core: one worker with one thread and one frame', async ({ skip }) => {
  const run = promisify(execFile);
  const hasTaskset = await run('taskset', ['--version']).then(
    () => true,
    () => false,
  );
  if (!hasTaskset) skip('taskset (util-linux) is not installed');
  const report = join(folder, 'run.json');
  const camera = ['--camera', 'sim:loop=3', '--size', '64x48', '--rate', '5', '--seconds', '1'];
  const { stdout } = await run('taskset', [
    ...['-c', '0', process.execPath, CLI, 'run', ...camera],
    ...['--bundle', bundle.folder, '--report', report],
  ]);
  expect(stdout).toContain('inference: 1 worker x 1 thread, queue depth 1');
});
