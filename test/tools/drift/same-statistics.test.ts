import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeProgram } from '../../../src/cli/program.ts';
import { BoxAgreement } from '../../../src/core/drift/box-agreement.ts';
import { IMAGE_FEATURES } from '../../../src/core/drift/features.ts';
import { BLOCK, BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { FrameStatistics } from '../../../src/core/drift/frame-statistics.ts';
import { PLACE } from '../../../src/core/drift/observe/observed.ts';
import { Observer } from '../../../src/core/drift/observe/observer.ts';
import { openDriftReference } from '../../../src/device/drift/open-reference.ts';
import { decodeImageFile } from '../../../src/device/imaging/image-file.ts';
import { createEngine } from '../../../src/device/inference/create-engine.ts';
import { EnvelopeMaker } from '../../../src/device/pipeline/frame/envelope.ts';
import type { PreprocessMode } from '../../../src/device/pipeline/frame/preprocess-mode.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { PictureEngine } from '../../../src/tools/drift/accuracy/picture-engine.ts';
import { observeImages } from '../../../src/tools/drift/observe-images.ts';
import { storeCalibration } from '../../../src/tools/optimize/image-store.ts';
import { WorkFolder } from '../../../src/tools/optimize/work-folder.ts';
import { makeSmallWorld, type SmallWorld } from '../optimize/small-world.ts';

/** As many as a reference needs. */
const COUNT = 60;
const NAMES = Array.from({ length: COUNT }, (_, i) => `${i}.png`);

/** What is measured of a picture: the block of its frame, and the observation. */
interface Measured {
  readonly block: Float32Array;
  readonly row: Float64Array;
}

describe('a picture has the same statistics wherever it is measured', () => {
  let folder = '';
  let world: SmallWorld;
  const served = new Map<PreprocessMode, Measured[]>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-same-statistics-'));
    world = await makeSmallWorld(folder, 1, COUNT);
    for (const mode of ['sharp', 'graph'] as const) served.set(mode, await serve(mode));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function open(name: string) {
    const decoded = await decodeImageFile(join(world.images, name));
    return decoded.ok ? decoded.view : expect.unreachable(decoded.detail);
  }

  /** As frames of a camera. */
  async function serve(preprocess: PreprocessMode): Promise<Measured[]> {
    const measured: Measured[] = [];
    let isDelivered = (): void => undefined;
    const pipeline = new FramePipeline({
      engine: createEngine({ bundle: world.bundle, inputs: 'both', threads: 1 }),
      manifest: world.bundle.manifest,
      cameras: [{ name: 'front' }],
      preprocess,
      sinks: [
        {
          name: 'publisher',
          wantsStatistics: () => true,
          deliver: ({ statistics, detections, sourceWidth: width, sourceHeight: height, mode }) => {
            expect(mode).toBe(preprocess);
            const block = statistics?.slice() ?? expect.unreachable('the frame was not measured');
            const row = new Observer().observe(block, detections, { width, height }, 0)!.slice();
            measured.push({ block, row });
            isDelivered();
          },
        },
      ],
    });
    try {
      await pipeline.start();
      pipeline.activate();
      const envelopes = new EnvelopeMaker('front');
      for (const [i, name] of NAMES.entries()) {
        const image = await open(name);
        const delivered = new Promise<void>((resolve) => (isDelivered = resolve));
        expect(
          pipeline.offer({ envelope: envelopes.next({ sec: i + 1, nanosec: 0 }, ''), image }),
        ).toBeNull();
        await delivered;
      }
    } finally {
      await pipeline.close();
    }
    return measured;
  }

  const rowsOf = (mode: PreprocessMode): Float64Array[] => served.get(mode)!.map(({ row }) => row);

  it.each(['sharp', 'graph'] as const)('in an evaluation, by %s: every observation', async (preprocess) => {
    const { images, annotations, bundle } = world;
    const onProgress = (): void => undefined;
    const options = {
      bundle,
      annotations,
      images,
      limit: null,
      limits: {},
      preprocess,
      threads: 1,
      onProgress,
    };
    const { rows, measures } = await observeImages(options);
    expect(rows).toEqual(rowsOf(preprocess));
    expect(measures).toMatchObject({ frames: COUNT, inGraph: preprocess === 'graph' ? COUNT : 0 });
    expect(Math.max(...rows.map((row) => row.filter((value) => value > 0).length))).toBeGreaterThan(10);
  });

  it.each(['sharp', 'graph'] as const)(
    'while an accuracy fit is made, by %s: the whole block',
    async (mode) => {
      const { score, iou, maxDetections } = world.bundle.manifest.thresholds;
      const limits = { scoreThreshold: score, iouThreshold: iou, maxDetections, classFilter: null };
      const engine = await PictureEngine.open(world.bundle, 1);
      try {
        for (const [i, name] of NAMES.entries()) {
          const { width, height, data } = await open(name);
          const { statistics } = await engine.infer(
            { width, height, pixels: new Uint8Array(data) },
            mode,
            limits,
          );
          expect(statistics).toEqual(served.get(mode)![i]!.block);
        }
      } finally {
        await engine.close();
      }
    },
  );

  it('among pictures for calibration: the image', async () => {
    const work = await WorkFolder.open(join(folder, 'work'), false);
    const { input: style } = world.bundle.manifest;
    const signal = AbortSignal.timeout(60_000);
    const onProgress = (): void => undefined;
    const store = await storeCalibration(world.images, NAMES, { work, style, signal, onProgress });
    const pixels = readFileSync(store.pictures);
    const size = style.width * style.height * 3;
    const statistics = new FrameStatistics();
    const block = new Float32Array(BLOCK_FLOATS);
    store.letterboxes.forEach((letterbox, i) => {
      const input = { pixels: pixels.subarray(i * size, (i + 1) * size), letterbox, step: style.width * 3 };
      statistics.measure({ ...input, layout: 'letterboxed', averages: false }, new BoxAgreement(), block);
      const expected = served.get('sharp')![i]!.block;
      for (const [from, to] of [
        [0, IMAGE_FEATURES.length],
        [BLOCK.patches, BLOCK_FLOATS],
      ] as const)
        expect(block.subarray(from, to)).toEqual(expected.subarray(from, to));
    });
    await work.close();
  });

  it('and "goshawk evaluate" says before it begins that there are too few for a reference', async () => {
    const { images, annotations, bundle } = world;
    const report = join(folder, 'evaluation.json');
    const given = ['--bundle', bundle.folder, '--annotations', annotations, '--images', images];
    const more = ['--limit', '59', '--report', report, '--drift-reference-out', join(folder, 'short.json')];
    await expect(
      (await makeProgram(['evaluate'])).parseAsync(['node', 'goshawk', 'evaluate', ...given, ...more]),
    ).rejects.toMatchObject({ code: 'GOSHAWK_DRIFT_REFERENCE_SHORT' });
    expect(existsSync(report)).toBe(false);
  });

  it('and "goshawk evaluate" makes a reference of it that a detector can read', async () => {
    const { images, annotations, bundle } = world;
    const file = join(folder, 'reference.json');
    const shown = vi.spyOn(console, 'log').mockReturnValue();
    const given = ['--bundle', bundle.folder, '--annotations', annotations, '--images', images];
    const more = ['--ignore-unknown', '--resamples', '0', '--threads', '1', '--drift-reference-out', file];
    await (await makeProgram(['evaluate'])).parseAsync(['node', 'goshawk', 'evaluate', ...given, ...more]);
    expect(shown.mock.lastCall?.[0]).toContain(`images (${String(COUNT)} observations)`);
    shown.mockRestore();
    const { reference } = await openDriftReference(file);
    expect(reference).toMatchObject({ bundle: { digest: bundle.digest }, camera: null });
    const [context] = reference.contexts;
    expect(context?.measures?.frames).toBe(COUNT);
    const brightness = rowsOf('sharp').map((row) => Number(row[PLACE.brightness]!.toPrecision(5)));
    expect(context?.columns.brightness).toEqual(brightness);
    // what would compare a picture with the one before is not there
    expect(Object.keys(reference.features)).not.toContain('motion');
  });
});
