import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COCO80 } from '../../src/core/coco-labels.ts';
import { letterboxFor } from '../../src/core/image/letterbox.ts';
import { loadBundle, type Bundle } from '../../src/model/bundle.ts';
import { importModel, type ImportReport } from '../../src/device/authoring/import-model.ts';
import { simulatedImages } from '../../src/device/authoring/simulated-images.ts';
import { createEngine } from '../../src/device/inference/create-engine.ts';
import type { DecodeLimits, InferenceItem } from '../../src/device/inference/engine.ts';
import { decodeToRgb } from '../../src/device/imaging/decode-image.ts';
import { SharpLetterboxer } from '../../src/device/imaging/sharp-letterbox.ts';
import type { SourceImage } from '../../src/device/references/store-image.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { describeWith, SHARED, YOLOX } from '../support/needs.ts';

/** A real detector on real images. */
const MODEL = join(SHARED, 'models/yolox_nano_416.onnx');
const PICTURES = join(SHARED, 'coco-mini/val');
const LIMITS: DecodeLimits = {
  scoreThreshold: 0.4,
  iouThreshold: 0.45,
  maxDetections: 100,
  classFilter: null,
};

describeWith(YOLOX, 'YOLOX-nano', () => {
  let folder = '';
  let report: ImportReport;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'goshawk-yolox-'));
    report = await importModel({
      file: MODEL,
      out: folder,
      name: 'yolox-nano',
      version: '1.0.0',
      labels: COCO80,
      tool: 'test',
      createdAt: '2026-01-02T03:04:05.000Z',
    });
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is imported from its shape alone and returns what the original returns', () => {
    const { manifest } = report.bundle;
    expect(manifest).toMatchObject({ head: 'yolox', input: { width: 416, height: 416, colorOrder: 'bgr' } });
    expect(report.steps).toEqual([
      'slices of the Focus layer in its convolution',
      'channel order and scale in the weights of the first convolution',
    ]);
    expect(report.equivalence.maxAbsolute).toBeLessThan(1e-3);
    // the model's authors publish 0.91 M parameters and 1.08 GFLOPs at 416
    expect(manifest.parameters / 1e6).toBeCloseTo(0.91, 1);
    expect((2 * manifest.macs) / 1e9).toBeCloseTo(1.08, 1);
  });

  it('finds the same objects in a thread, in a process, and with the resize inside the graph', async () => {
    const frames: SourceImage[] = [];
    for (const name of readdirSync(PICTURES).slice(0, 8))
      frames.push(await decodeToRgb({ format: 'jpeg', data: await readFile(join(PICTURES, name)) }));
    const { found, agreeing } = await threeWays(report.bundle, frames);
    expect(found).toBeGreaterThan(15);
    // two ways of scaling down move scores near the threshold: most, not all, end up on the same side
    expect(agreeing / found).toBeGreaterThan(0.85);
  });
});

it('the shipped model finds the same in a thread, a process, and with the resize inside the graph', async () => {
  const { found, agreeing } = await threeWays(await loadBundle(shippedBundle()), simulatedImages(8));
  expect(found).toBeGreaterThan(15);
  expect(agreeing / found).toBeGreaterThan(0.85);
});

/**
 * Detections of the images, and how many of them also appear with the resize inside the graph; a thread and a process
 * return the same.
 */
async function threeWays(
  bundle: Bundle,
  frames: readonly SourceImage[],
): Promise<{ found: number; agreeing: number }> {
  const { input: network, labels } = bundle.manifest;
  const threads = createEngine({ bundle, inputs: 'both' });
  const like = await threads.start();
  // the same variant: each engine would choose the one that it measured to be fastest, and variants differ in their
  // last digits
  const processes = createEngine({ bundle, kind: 'child', like });
  await processes.start();
  const letterboxer = new SharpLetterboxer();
  let found = 0;
  let agreeing = 0;
  for (const frame of frames) {
    const letterbox = letterboxFor(frame.width, frame.height, network.width, network.height, network.anchor);
    const small = new Uint8Array(network.width * network.height * 3);
    await letterboxer.run(frame, letterbox, network, small);
    const step = network.width * 3;
    const input = { kind: 'letterboxed', pixels: small, letterbox, encoding: 'rgb8', step } as const;
    const pixels = new Uint8Array(frame.data);
    const raw = { kind: 'raw', pixels, letterbox, encoding: 'rgb8', step: frame.step } as const;
    const [a, b, c] = await Promise.all([
      processes.infer([input], LIMITS).then(({ items }) => describeItem(items[0], labels)),
      threads
        .infer([{ ...input, pixels: small.slice() }], LIMITS)
        .then(({ items }) => describeItem(items[0], labels)),
      threads.infer([raw], LIMITS).then(({ items }) => describeItem(items[0], labels)),
    ]);
    expect(a).toEqual(b);
    found += b.length;
    agreeing += b.filter((label) => c.includes(label)).length;
  }
  await Promise.all([threads.close(), processes.close()]);
  return { found, agreeing };
}

function describeItem(item: InferenceItem | undefined, labels: readonly string[]): string[] {
  if (item?.ok !== true) throw new Error(`no result: ${item?.message}`);
  const { count, classes } = item.detections;
  return Array.from(classes.subarray(0, count), (index) => labels[index] ?? '?');
}
