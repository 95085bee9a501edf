import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accuracyReportSchema, type AccuracyReport } from '../../src/contract/report.ts';
import { COCO80 } from '../../src/core/coco-labels.ts';
import { importModel } from '../../src/device/authoring/import-model.ts';
import { CLI } from '../support/programs.ts';
import { describeWith, SHARED, YOLOX } from '../support/needs.ts';

const MODEL = join(SHARED, 'models/yolox_nano_416.onnx');
const PICTURES = join(SHARED, 'coco-mini/val');
const ANNOTATIONS = join(SHARED, 'coco-mini/val.json');

/** AP by which the two preprocessors may differ: 0.3 points. */
const AGREEMENT = 0.003;

/** A Python pipeline (OpenCV, onnxruntime, pycocotools) on the same file and images. */
const REFERENCE = { ap: 0.3454, ap50: 0.5391 };

function evaluateBy(report: string, ...args: readonly string[]): AccuracyReport {
  execFileSync(process.execPath, [CLI, 'evaluate', '--report', report, ...args]);
  return accuracyReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
}

describeWith(YOLOX, 'goshawk evaluate, YOLOX-nano on real images', () => {
  let folder = '';
  let bundle = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-evaluate-'));
    const imported = await importModel({
      file: MODEL,
      out: folder,
      name: 'yolox-nano',
      version: '1.0.0',
      labels: COCO80,
      tool: 'test',
      createdAt: '2026-01-01T00:00:00Z',
    });
    bundle = imported.bundle.folder;
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const evaluate = (name: string, ...args: readonly string[]): AccuracyReport =>
    evaluateBy(join(folder, `${name}.json`), '--annotations', ANNOTATIONS, ...args);

  it.each(['sharp', 'graph'])(
    'reaches the AP of the Python pipeline within half a point by %s',
    (preprocess) => {
      const written = join(folder, `${preprocess}-detections.json`);
      const model = [
        '--bundle',
        bundle,
        '--images',
        PICTURES,
        '--preprocess',
        preprocess,
        '--detections',
        written,
      ];
      const report = evaluate(preprocess, ...model);
      expect(report.images).toBe(40);
      expect(report.ap!).toBeGreaterThan(REFERENCE.ap - 0.005);
      // another resize may well be better; the bound only catches a wrong evaluation
      expect(Math.abs(report.ap50! - REFERENCE.ap50)).toBeLessThan(0.02);
      const again = evaluate(`${preprocess}-again`, '--against-detections', written);
      expect(again.ap).toBeCloseTo(report.ap!, 12);
    },
  );

  it('yields the same AP with both preprocessors within 0.3 points', () => {
    const model = ['--bundle', bundle, '--images', PICTURES, '--resamples', '0', '--preprocess'];
    const [sharp, graph] = ['sharp', 'graph'].map((way) => evaluate(`both-${way}`, ...model, way).ap!);
    expect(Math.abs(sharp! - graph!)).toBeLessThan(AGREEMENT);
  });

  it('reports what is wrong in one line, with a code', () => {
    const run = (...args: string[]) => {
      const child = spawnSync(process.execPath, [CLI, 'evaluate', '--annotations', ANNOTATIONS, ...args]);
      return [child.status, child.stderr.toString().trim()];
    };
    const elsewhere = run('--bundle', bundle, '--images', join(SHARED, 'coco-mini/calibration'));
    expect(elsewhere).toEqual([1, expect.stringMatching(/^GOSHAWK_DATASET_IMAGE: image \d+\.jpg .*\)$/)]);
    expect(run('--bundle', bundle)).toEqual([1, expect.stringMatching(/^GOSHAWK_USAGE: .*--images/)]);
    expect(run()).toEqual([1, expect.stringMatching(/^GOSHAWK_USAGE: pass either --bundle or/)]);
    expect(run('--bundle', bundle, '--score', '2')[0]).toBe(2);
  });
});

describe('goshawk evaluate, the default bundle on simulated scenes', () => {
  it('finds the objects, equally with both preprocessors within 0.3 points', () => {
    const folder = mkdtempSync(join(tmpdir(), 'goshawk-evaluate-'));
    try {
      const scenes = join(folder, 'scenes');
      execFileSync(process.execPath, [
        CLI,
        'simulate',
        '--out',
        scenes,
        '--count',
        '250',
        '--seed',
        '11',
        '--workers',
        '2',
      ]);
      const data = ['--annotations', join(scenes, 'annotations.json'), '--images', join(scenes, 'images')];
      const [sharp, graph] = ['sharp', 'graph'].map((way) =>
        evaluateBy(
          join(folder, `${way}.json`),
          ...['--bundle', 'goshawk-street', ...data, '--resamples', '0', '--preprocess', way],
        ),
      );
      expect(sharp!.images).toBe(250);
      expect(sharp!.ap50!).toBeGreaterThan(0.77);
      expect(Math.abs(sharp!.ap! - graph!.ap!)).toBeLessThan(AGREEMENT);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
