import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GoshawkError } from '../../../src/contract/errors.ts';
import { accuracyReportSchema } from '../../../src/contract/report.ts';
import { createDetections } from '../../../src/core/detections.ts';
import type { ImageDetector, DetectorResult } from '../../../src/tools/evaluate/detector.ts';
import {
  evaluateDetector,
  evaluateResults,
  type EvaluateOptions,
} from '../../../src/tools/evaluate/evaluate.ts';
import { summarizeAccuracy } from '../../../src/tools/evaluate/summary.ts';
import { goldenSets, type GoldenSet } from '../../core/evaluation/golden-set.ts';
import { scratchFolder } from './scratch.ts';

const { write, folder } = scratchFolder();
const crowds = goldenSets[0]!;
const annotations = write('annotations.json', crowds.annotations);
const results = write('results.json', crowds.detections);
const options: EvaluateOptions = { annotations, ignoreUnknown: false, limit: null, resamples: 50, seed: 3 };
const times = { preprocess: 1, queue: 2, inference: 3, decode: 4 };

/** Replays the detections of a golden set, images finished out of order; `fault` spoils selected ones. */
function playback(
  golden: GoldenSet,
  fault: (image: number, result: DetectorResult) => DetectorResult,
): ImageDetector {
  const ids = golden.annotations.categories.map(({ id }) => id);
  return {
    bundle: { name: 'playback', version: '1.0.0', digest: 'a'.repeat(64) },
    labels: ids.map((id) => `class ${id}`),
    published: { score: 0.3, maxDetections: 300 },
    inGraph: false,
    providers: ['cpu'],
    parallel: 3,
    async detect(file) {
      const image = Number(/(\d+)\.jpg$/.exec(file as string)![1]);
      const found = golden.detections.filter(({ image_id }) => image_id === image);
      const detections = createDetections(found.length);
      found.forEach(({ category_id, bbox: [x, y, width, height], score }, i) => {
        detections.boxes.set([x, y, x + width, y + height], 4 * i);
        detections.scores[i] = score;
        detections.classes[i] = ids.indexOf(category_id);
      });
      detections.count = found.length;
      await new Promise((resolve) => setTimeout(resolve, image % 3));
      return fault(image, { detections, width: 640, height: 640, times });
    },
    release: (detections) => {
      detections.scores.fill(NaN);
    },
    close: () => Promise.resolve(),
  };
}

describe('evaluateResults', () => {
  it('agrees with pycocotools, in a report that follows its schema', async () => {
    const report = await evaluateResults(options, results);
    expect(accuracyReportSchema.parse(report)).toEqual(report);
    expect(report.ap).toBeCloseTo(crowds.expected.stats[0]!, 9);
    expect(report.ap50).toBeCloseTo(crowds.expected.stats[1]!, 9);
    expect(report.images).toBe(crowds.annotations.images.length);
    expect(report.bundle).toBeNull();
    const { low, high } = report.interval!;
    expect(low < report.ap! && report.ap! < high).toBe(true);
    for (const { id } of crowds.annotations.categories) {
      const expected = crowds.expected.byClass[id]!;
      if (expected.ap === null) expect(report.apByClass[`class ${id}`]).toBeNull();
      else expect(report.apByClass[`class ${id}`]).toBeCloseTo(expected.ap, 9);
    }
  });

  it('omits the interval without resamples', async () => {
    expect((await evaluateResults({ ...options, resamples: 0 }, results)).interval).toBeNull();
  });
});

describe('evaluateDetector', () => {
  const run = (fault: Parameters<typeof playback>[1], more: Partial<EvaluateOptions> = {}) =>
    evaluateDetector({
      ...options,
      ...more,
      detector: playback(crowds, fault),
      images: folder,
      settings: { score: 0.01, iou: 0.65, maxBoxes: 300, preprocess: 'sharp', multiLabel: true },
      detectionsFile: join(folder, 'written.json'),
      onProgress: () => undefined,
    });

  it('evaluates the detections that it writes, in any order of completion', async () => {
    const report = await run((_, result) => result);
    // boxes pass through 32-bit floats
    expect(report.ap).toBeCloseTo(crowds.expected.stats[0]!, 4);
    expect(report.bundle?.name).toBe('playback');
    expect(report.latencyMs?.total).toMatchObject({ count: report.images, max: 10 });
    const again = await evaluateResults(options, join(folder, 'written.json'));
    expect(again.ap).toBeCloseTo(report.ap!, 9);
    expect(again.detections).toBe(report.detections);
    const written = JSON.parse(readFileSync(join(folder, 'written.json'), 'utf8')) as unknown[];
    expect(written.length).toBe(report.detections);
  });

  const someImage = crowds.annotations.images[4]!.id;
  const spoil =
    (spoiled: (result: DetectorResult) => DetectorResult) => (image: number, result: DetectorResult) =>
      image === someImage ? spoiled(result) : result;

  it('fails with the name of the image if one fails', async () => {
    const failing = run(
      spoil(() => {
        throw new GoshawkError('GOSHAWK_FILE_INVALID', { file: 'x', reason: 'cut short' });
      }),
    );
    await expect(failing).rejects.toMatchObject({
      code: 'GOSHAWK_DATASET_IMAGE',
      message: expect.stringMatching(new RegExp(`0${someImage}\\.jpg.*cut short`)) as unknown,
    });
  });

  it('refuses images with another size than in the annotations', async () => {
    await expect(run(spoil((result) => ({ ...result, width: 320 })))).rejects.toMatchObject({
      code: 'GOSHAWK_DATASET_IMAGE',
      message: expect.stringContaining('320x640 pixels, but the annotations say 640x640') as unknown,
    });
  });

  it('reads no more images than the limit', async () => {
    expect((await run((_, result) => result, { limit: 5 })).images).toBe(5);
  });
});

describe('summarize', () => {
  it('prints percent, and a dash if nothing counts', async () => {
    const report = await evaluateResults(options, results);
    const text = summarizeAccuracy(report);
    expect(text).toContain(`AP    ${(100 * report.ap!).toFixed(2)} (95 %: `);
    expect(summarizeAccuracy({ ...report, ap: null, interval: null })).toMatch(/AP {6}-\n/);
  });
});
