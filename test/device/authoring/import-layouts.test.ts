import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Detections } from '../../../src/core/detections.ts';
import type { Head } from '../../../src/core/heads/head-table.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { Bundle } from '../../../src/model/bundle.ts';
import { sha256Of } from '../../../src/platform/digest.ts';
import { importModel, type ImportOptions } from '../../../src/device/authoring/import-model.ts';
import { makeValueInfo } from '../../../src/model/onnx/build.ts';
import { writeModel } from '../../../src/model/onnx/model.ts';
import { DATA_TYPE } from '../../../src/model/onnx/schema.ts';
import { verifyBundle } from '../../../src/device/authoring/verify.ts';
import {
  foreignBytes,
  foreignDetector,
  FOREIGN_SIZE,
  type ForeignLayout,
  type ForeignOptions,
} from './foreign-detector.ts';
import { runtimeBoxes } from './runtime-boxes.ts';

const LABELS = ['person', 'car', 'dog'];
const NORMALIZATION = { colorOrder: 'rgb', scale: 1 / 255 } as const;

let folder = '';
let imports = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-layouts-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function imported(bytes: Uint8Array, changes: Partial<ImportOptions> = {}) {
  imports += 1;
  const file = join(folder, `model${imports}.onnx`);
  await writeFile(file, bytes);
  return importModel({
    file,
    out: join(folder, 'models'),
    name: `model${imports}`,
    version: '1.0.0',
    labels: LABELS,
    normalization: NORMALIZATION,
    tool: 'test',
    ...changes,
  });
}

/** The runtime's detections in noise, without suppression, best first. */
function detect(bundle: Bundle, seed = 3): Promise<Detections> {
  const random = createRandom(seed);
  return runtimeBoxes(
    bundle,
    Uint8Array.from({ length: 3 * FOREIGN_SIZE ** 2 }, () => random.int(0, 255)),
  );
}

/** Every detection of `some` is one of `all`: class, score to 1e-4, box to 0.01 pixels. */
function expectAmong(some: Detections, all: Detections, scores = true): void {
  for (let i = 0; i < some.count; i += 1) {
    const same = Array.from({ length: all.count }, (_, j) => j).some(
      (j) =>
        some.classes[i] === all.classes[j] &&
        (!scores || Math.abs(some.scores[i]! - all.scores[j]!) < 1e-4) &&
        [0, 1, 2, 3].every((k) => Math.abs(some.boxes[4 * i + k]! - all.boxes[4 * j + k]!) < 0.01),
    );
    expect(same, `detection ${i}`).toBe(true);
  }
}

const ROWS = 84;

describe('one network, laid out as exporters do', () => {
  it.each<[ForeignLayout, Head, number]>([
    ['rows', 'yolov8', ROWS],
    ['objectness-one', 'yolov5', ROWS],
    ['labeled', 'labeled', ROWS],
    ['topk', 'end2end', 20],
    ['normalized-centers', 'end2end', 20],
    ['detr-rows', 'detr', 20],
    ['detr-logits', 'detr', 20],
    ['boxes-scores', 'yolov8', ROWS],
    ['boxes-scores-labels', 'labeled', ROWS],
    ['efficient-nms', 'yolov8', ROWS],
    ['flat', 'end2end', 20],
    ['target-sizes', 'end2end', 20],
  ])('%s: the runtime finds the same as in channels', async (layout, head, count) => {
    const reference = await detect((await imported(foreignBytes({ layout: 'channels', classes: 3 }))).bundle);
    expect(reference.count).toBe(ROWS);
    const { bundle, guessed } = await imported(foreignBytes({ layout, classes: 3 }));
    expect([bundle.manifest.head, guessed]).toEqual([head, true]);
    expect(await verifyBundle(bundle)).toEqual([{ id: 'fp32', ran: true }]);
    const found = await detect(bundle);
    expect(found.count).toBe(count);
    expectAmong(found, reference);
  });

  it('multiplies the scores by an objectness of the network, with the pixels of YOLOX', async () => {
    const reference = await detect((await imported(foreignBytes({ layout: 'channels', classes: 3 }))).bundle);
    const { bundle } = await imported(foreignBytes({ layout: 'objectness', classes: 3 }));
    expect(bundle.manifest.head).toBe('yolov5');
    expectAmong(await detect(bundle), reference, false);
    const { bundle: customary } = await imported(foreignBytes({ layout: 'objectness', classes: 3 }), {
      normalization: {},
    });
    expect(customary.manifest.input).toMatchObject({ colorOrder: 'bgr', anchor: 'top-left' });
  });

  it.each<ForeignLayout>(['detr-softmax', 'detr-softmax-logits'])(
    '%s: probabilities that add up to 1 with that of nothing',
    async (layout) => {
      const plain = (await imported(foreignBytes({ layout: 'detr-logits', classes: 3 }))).bundle;
      const labels = { labels: LABELS };
      const reference = await detect(plain);
      const { bundle, layout: words } = await imported(foreignBytes({ layout, classes: 3 }), labels);
      expect([bundle.manifest.head, words]).toEqual(['detr', expect.stringContaining('one of "nothing"')]);
      const found = await detect(bundle);
      expectAmong(found, reference, false);
      // of one row: sigmoid(x) = s is a logit of ln(s / (1 - s)); a softmax with a logit of 0 for "nothing" is below
      // the sigmoid
      expect(found.count).toBe(20);
      for (let i = 0; i < found.count; i += 1) {
        const same = Array.from({ length: reference.count }, (_, j) => j).find((j) =>
          [0, 1, 2, 3].every((k) => Math.abs(found.boxes[4 * i + k]! - reference.boxes[4 * j + k]!) < 1e-3),
        )!;
        const odds = reference.scores[same]! / (1 - reference.scores[same]!);
        expect(found.scores[i]!).toBeLessThan(odds / (1 + odds));
        expect(found.scores[i]!).toBeGreaterThan(odds / (1 + 3 * odds) - 1e-4);
      }
    },
  );

  it('recognizes a softmax with a background class without labels; --layout no-background overrides it', async () => {
    const bytes = foreignBytes({ layout: 'detr-softmax', classes: 3 });
    const four = { labels: ['a', 'b', 'c', 'd'] };
    expect((await imported(bytes, four)).bundle.manifest.labels).toHaveLength(4);
    const { bundle } = await imported(bytes, {
      ...{ layout: { background: false }, unnamed: 'numbered' as const, labels: undefined as never },
    });
    expect(bundle.manifest.labels).toHaveLength(4);
  });

  it('sets an image size input to the size of the network, and refuses one of unknown order', async () => {
    const { bundle, steps } = await imported(foreignBytes({ layout: 'target-sizes', classes: 3 }));
    expect(steps).toContain('"orig_target_sizes" is the size of the input');
    expect(bundle.manifest.variants[0]!.file).toBe('model.onnx');
    // in a square, width and height are the same
    const { steps: square } = await imported(
      foreignBytes({ layout: 'target-sizes', classes: 3, sizeInput: 'whatever' }),
    );
    expect(square).toContain('"whatever" is the size of the input');
  });

  it.each<[string, number[], ForeignLayout]>([
    ['four strides', [4, 8, 16, 32], 'channels'],
    ['four strides', [4, 8, 16, 32], 'rows'],
    ['two strides', [16, 32], 'channels'],
    ['two strides', [16, 32], 'objectness-one'],
    ['two strides', [8, 16], 'labeled'],
  ])('%s (%j) in %s', async (_, strides, layout) => {
    const reference = await detect(
      (await imported(foreignBytes({ layout: 'channels', classes: 3, strides }))).bundle,
    );
    const { bundle } = await imported(foreignBytes({ layout, classes: 3, strides }));
    const found = await detect(bundle);
    expect(found.count).toBe(strides.reduce((sum, stride) => sum + (FOREIGN_SIZE / stride) ** 2, 0));
    expectAmong(found, reference);
  });

  it('does not mistake two classes for a score and a label', async () => {
    const labels = ['person', 'car'];
    const { bundle } = await imported(foreignBytes({ layout: 'rows', classes: 2 }), { labels });
    expect(bundle.manifest.head).toBe('yolov8');
  });

  it('uses the thresholds of a removed suppression for the bundle', async () => {
    const { bundle, notes } = await imported(foreignBytes({ layout: 'efficient-nms', classes: 3 }));
    const { score, iou, maxDetections } = bundle.manifest.thresholds;
    expect([score, iou, maxDetections].map((value) => Number(value.toFixed(3)))).toEqual([0.3, 0.6, 20]);
    expect(notes[0]).toContain('suppression was taken out');
  });
});

describe('options override what running the graph suggests', () => {
  const bytes = (layout: ForeignLayout, options: Partial<ForeignOptions> = {}) =>
    foreignBytes({ layout, classes: 3, ...options });

  it('--head end2end treats a graph of all cells as finished', async () => {
    const { bundle, guessed } = await imported(bytes('labeled'), { head: 'end2end' });
    expect([bundle.manifest.head, guessed]).toEqual(['end2end', false]);
  });

  it('--no-decoded treats decoded rows as relative to their cells', async () => {
    const { bundle } = await imported(bytes('objectness-one'), { layout: { decoded: false } });
    expect(bundle.manifest.head).toBe('yolox');
  });

  it('--layout sets corners and units', async () => {
    const { bundle } = await imported(bytes('normalized-centers'), {
      layout: { box: 'corners', unit: 'pixels' },
    });
    expect(bundle.manifest.lineage['folded']).not.toContainEqual(expect.stringContaining('boxes as'));
  });

  it('refuses a head that does not fit the outputs, with what was found', async () => {
    await expect(imported(bytes('channels'), { head: 'end2end' })).rejects.toMatchObject({
      code: 'GOSHAWK_NOT_A_DETECTOR',
      message: expect.stringMatching(/end2end.*found \[1, 7, 84\].*3 values next to each box/) as string,
    });
  });
});

describe('a file that is not a supported detector is refused', () => {
  it('masks in addition to boxes', async () => {
    const model = foreignDetector({ layout: 'channels', classes: 3 });
    model.graph.output.push(makeValueInfo('map8', DATA_TYPE.FLOAT, [1, 7, 8, 8]));
    await expect(imported(writeModel(model))).rejects.toMatchObject({
      code: 'GOSHAWK_NOT_A_DETECTOR',
      message: expect.stringMatching(/map8 \[1, 7, 8, 8\].*masks/) as string,
    });
  });

  it('another TensorRT plugin', async () => {
    const model = foreignDetector({ layout: 'efficient-nms', classes: 3 });
    model.graph.node.at(-1)!.opType = 'BatchedNMSDynamic_TRT';
    await expect(imported(writeModel(model))).rejects.toMatchObject({
      code: 'GOSHAWK_NOT_A_DETECTOR',
      message: expect.stringContaining("TensorRT's plugin BatchedNMSDynamic_TRT") as string,
    });
  });
});

it('does not read a file again that was read already', async () => {
  const bytes = foreignBytes({ layout: 'channels', classes: 3 });
  const { bundle } = await importModel({
    ...{ file: join(folder, 'nowhere.onnx'), bytes, out: join(folder, 'models'), name: 'read-before' },
    ...{ version: '1.0.0', labels: LABELS, tool: 'test' },
  });
  expect(bundle.manifest.lineage.sourceDigest).toBe(sha256Of(bytes));
});
