import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccuracySamples } from '../../../../src/contract/accuracy-samples.ts';
import type { Picture } from '../../../../src/core/corruption/picture.ts';
import { FEATURE_TABLE_VERSION } from '../../../../src/core/drift/features.ts';
import { encodePng } from '../../../../src/device/imaging/encode-image.ts';
import { loadBundle } from '../../../../src/model/bundle.ts';
import { SCENE_LABELS } from '../../../../src/sim/labels.ts';
import { leaveOutRows, noiseOf, triedRows } from '../../../../src/tools/drift/accuracy/bench.ts';
import { collectMix } from '../../../../src/tools/drift/accuracy/collect.ts';
import { corruptions } from '../../../../src/tools/drift/accuracy/degrade.ts';
import type { LabeledPictures } from '../../../../src/tools/drift/accuracy/labeled-pictures.ts';
import { listingDigest } from '../../../../src/tools/drift/accuracy/listing-digest.ts';
import { makeFit } from '../../../../src/tools/drift/accuracy/make-fit.ts';
import { measurePictures } from '../../../../src/tools/drift/accuracy/measure.ts';
import { openPictures } from '../../../../src/tools/drift/accuracy/open-pictures.ts';
import { degradedCopies, weather } from '../../../../src/tools/drift/accuracy/other-degradations.ts';
import { PictureEngine } from '../../../../src/tools/drift/accuracy/picture-engine.ts';
import {
  readSamples,
  resumeSamples,
  writeSamples,
} from '../../../../src/tools/drift/accuracy/samples-file.ts';
import { openBundleDetector } from '../../../../src/tools/evaluate/bundle-detector.ts';
import { evaluateDetector } from '../../../../src/tools/evaluate/evaluate.ts';
import { shippedBundle } from '../../../support/shipped-bundle.ts';

const SIM = { streets: 1, frames: 3, seed: 1 };

describe('the fit of estimated accuracy', async () => {
  const bundle = await loadBundle(shippedBundle());
  const { name, version, labels, thresholds } = bundle.manifest;
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-fit-'));
  let engine: PictureEngine;
  let mixes: LabeledPictures[];
  beforeAll(async () => {
    engine = await PictureEngine.open(bundle, 1);
    const source = await openPictures(SIM, labels, name);
    mixes = [];
    for await (const pictures of source.mixes()) mixes.push(pictures);
  });
  afterAll(async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has scene mixes from few objects to many, by day and at night', () => {
    expect(mixes.map(({ mix }) => mix)).toEqual(['few-day', 'crowded-day', 'few-night', 'crowded-night']);
    const [few, crowded, night] = mixes.map(({ truths }) => truths.length);
    expect(few).toBeLessThan(crowded!);
    expect(night).toBe(few);
  });

  it('measures pictures exactly as goshawk evaluate does', async () => {
    const [, pictures] = mixes;
    const still = { ...pictures!, rate: null };
    for (let i = 0; i < still.count; i++) {
      const { pixels, width, height } = await still.read(i);
      writeFileSync(join(folder, `${String(i)}.png`), await encodePng(pixels, width, height));
    }
    writeFileSync(join(folder, 'annotations.json'), JSON.stringify(cocoOf(still)));
    const settings = {
      score: 0.01,
      iou: thresholds.iou,
      maxBoxes: 300,
      preprocess: 'sharp',
      multiLabel: false,
    };
    const limits = {
      scoreThreshold: 0.01,
      iouThreshold: thresholds.iou,
      maxDetections: 300,
      classFilter: null,
    };
    const detector = await openBundleDetector({
      bundle,
      preprocess: 'sharp',
      limits,
      engine: { threads: 1 },
    });
    const report = await evaluateDetector({
      annotations: join(folder, 'annotations.json'),
      images: folder,
      detector,
      settings,
      ...{ ignoreUnknown: false, limit: null, resamples: 0, seed: 1, detectionsFile: null },
      onProgress: () => undefined,
    });
    await detector.close();
    const measured = await measurePictures(engine, still, null, 'sharp');
    expect(report.ap).toBeCloseTo(measured.ap, 9);
    // pictures that do not follow each other have no motion
    const features = { ...measured.summary.features };
    delete features.motion;
    expect(report.measures).toEqual({ ...measured.summary, features });
    expect(report.measures?.score).toBeGreaterThan(0.3);
  });

  it('can be of the weather of the simulator, and of copies that another tool degraded', async () => {
    const [pictures] = mixes;
    const image = await pictures!.read(0);
    const fog = weather(pictures!).filter(({ corruption }) => corruption === 'fog');
    expect(fog.map(({ strength }) => strength)).toEqual([1, 2, 3, 4, 5]);
    const [thin, dense] = await Promise.all([fog[0]!, fog[4]!].map((one) => one.read(pictures!, 0)));
    expect(distance(image, thin!)).toBeGreaterThan(0);
    expect(distance(image, dense!)).toBeGreaterThan(distance(image, thin!));
    expect(() => weather({ ...pictures!, redraw: undefined } as unknown as LabeledPictures)).toThrow(
      'simulator',
    );

    const place = join(folder, 'degraded/frost/2');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'a.jpg'), await encodePng(thin!.pixels, image.width, image.height));
    const [copy] = await degradedCopies({ ...pictures!, names: ['a.jpg'] }, join(folder, 'degraded'));
    expect(copy).toMatchObject({ corruption: 'frost', strength: 2 });
    expect(distance(await copy!.read(pictures!, 0), thin!)).toBe(0);
    mkdirSync(join(folder, 'degraded/frost/strong'));
    await expect(degradedCopies(pictures!, join(folder, 'degraded'))).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_INVALID',
    });
    await expect(degradedCopies(pictures!, join(folder, 'none'))).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_UNREADABLE',
    });
  });

  it('tells pictures from others by their names and sizes', async () => {
    const place = join(folder, 'listed');
    mkdirSync(join(place, 'sub'), { recursive: true });
    writeFileSync(join(place, 'sub/a.jpg'), 'one');
    const whole = await listingDigest(place);
    expect(await listingDigest(place, ['sub/a.jpg'])).toBe(whole);
    writeFileSync(join(place, 'sub/a.jpg'), 'other');
    expect(await listingDigest(place)).not.toBe(whole);
    await expect(listingDigest(place, ['none.jpg'])).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_UNREADABLE',
    });
  });

  it('says so if the model sees nothing in the pictures', async () => {
    const black = { width: 64, height: 36, pixels: new Uint8Array(64 * 36 * 3) };
    const dark = { ...mixes[0]!, read: () => Promise.resolve(black) };
    await expect(collectMix(engine, dark, [], () => undefined)).rejects.toMatchObject({
      code: 'GOSHAWK_FIT_IMPOSSIBLE',
    });
  });

  it('follows from samples, which an interrupted run keeps', async () => {
    const degradations = corruptions(1, [3]).filter(({ corruption }) =>
      ['gaussian_noise', 'defocus_blur', 'darkness', 'jpeg_compression'].includes(corruption),
    );
    const measured = [];
    for (const pictures of mixes.slice(0, 3))
      measured.push(await collectMix(engine, pictures, degradations, () => undefined));
    const empty: AccuracySamples = {
      schema: 'goshawk.accuracy-samples/1',
      bundle: { name, version, digest: bundle.digest },
      source: 'simulator',
      digest: 'c'.repeat(64),
      ...{ seed: 1, strengths: 1, table: FEATURE_TABLE_VERSION, mixes: [] },
    };
    const file = join(folder, 'samples.json');
    expect(await resumeSamples(file, empty)).toEqual(empty);
    const samples = { ...empty, mixes: measured };
    await writeSamples(file, samples);
    expect(await readSamples(file)).toEqual(samples);
    expect((await resumeSamples(file, empty)).mixes).toHaveLength(3);
    await expect(resumeSamples(file, { ...empty, seed: 2 })).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_INVALID',
    });

    const fit = makeFit(samples, new Date(0));
    expect(fit.corruptions).toHaveLength(4);
    expect(fit.own.untracked.regressors.length).toBeGreaterThan(0);
    expect(fit.others?.untracked.errors.samples).toBe(12);
    expect(fit.baseline.graph.frames).toBe(9);
    const rows = leaveOutRows(measured);
    expect(rows.map(({ method }) => method)).toContain('average thresholded confidence');
    const ofOwn = rows.filter(({ baseline }) => baseline === 'own');
    for (const unseen of ['corruption', 'corruption and scene mix']) {
      const known = ofOwn.filter((row) => row.unseen === unseen);
      const [tracked, rest] = [true, false].map((is) =>
        known.filter(({ method }) => method.includes('tracks') === is),
      );
      expect(rest!.map(({ samples }) => samples)).toEqual([12, 12, 12, 12, 12]);
      // three frames may be too few for some measures of tracks
      expect(tracked!.map(({ samples }) => samples <= 12)).toEqual([true]);
    }
    // against other scenes, the own scenes cannot have been seen
    expect(rows.filter(({ baseline }) => baseline === 'others')).toHaveLength(5);
    const [best] = rows;
    expect(best).toMatchObject({ method: 'fit', harmless: { samples: 3, worse: 0, meanAbsolute: 0 } });
    expect(triedRows(measured, measured)).toHaveLength(10);
    expect(leaveOutRows(measured.slice(0, 1)).map(({ unseen }) => unseen)).toEqual(
      new Array<string>(6).fill('corruption'),
    );
    // true shares of three frames say little about others
    expect(noiseOf(measured)).toBeGreaterThan(0.005);
    expect(noiseOf(measured)).toBeLessThan(0.5);
    const earlier = measured.map((mix) => ({
      ...mix,
      samples: mix.samples.map((one) => ({ ...one, noise: undefined })),
    }));
    expect(noiseOf(earlier)).toBeNull();
    // two scene mixes do not say what a third one would change
    const two = measured.slice(0, 2);
    expect(makeFit({ ...samples, mixes: two }, new Date(0)).others).toBeNull();
    expect(leaveOutRows(two).map(({ baseline }) => baseline)).not.toContain('others');
    const oneCorruption = measured.map((mix) => ({ ...mix, samples: mix.samples.slice(0, 2) }));
    expect(() => makeFit({ ...samples, mixes: oneCorruption }, new Date(0))).toThrow(
      expect.objectContaining({ code: 'GOSHAWK_FIT_IMPOSSIBLE' }) as Error,
    );
    // another resize of the same pictures: much the same, and not quite
    expect(fit.baseline.sharp.score).toBeCloseTo(fit.baseline.graph.score!, 1);
    expect(fit.baseline.sharp).not.toEqual(fit.baseline.graph);
  });
});

function distance(one: Picture, other: Picture): number {
  return one.pixels.reduce((sum, value, i) => sum + Math.abs(value - other.pixels[i]!), 0);
}

function cocoOf({ count, truths }: LabeledPictures): object {
  return {
    categories: SCENE_LABELS.map((label, i) => ({ id: i + 1, name: label })),
    images: Array.from({ length: count }, (_, id) => ({
      ...{ id, file_name: `${String(id)}.png`, width: 640, height: 360 },
    })),
    annotations: truths.map(({ image, classIndex, x, y, width, height }, i) => ({
      ...{ id: i + 1, image_id: image, category_id: classIndex + 1, bbox: [x, y, width, height] },
      ...{ area: width * height, iscrowd: 0 },
    })),
  };
}
