import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { optimizeReportSchema, type OptimizeReport } from '../../src/contract/optimize.ts';
import { loadBundle } from '../../src/model/bundle.ts';
import { openDriftReference } from '../../src/device/drift/open-reference.ts';
import { verifyBundle } from '../../src/device/authoring/verify.ts';
import { ensureQuantizer } from '../../src/tools/optimize/environment.ts';
import { makeSmallWorld, type SmallWorld } from '../tools/optimize/small-world.ts';
import { CLI } from '../support/programs.ts';

/** Minutes: enough for a few candidates of each kind; the whole search is not tested here. */
const BUDGET = '0.6';
const INSTALL_MS = 300_000;

let folder = '';
let world: SmallWorld;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-optimize-'));
  // created before anything counts against a time budget
  await ensureQuantizer(() => undefined, AbortSignal.timeout(INSTALL_MS));
  world = await makeSmallWorld(folder, 8, 24);
}, INSTALL_MS);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Arguments of the command on the small world; later ones override earlier ones. */
function argumentsOf(name: string, more: Readonly<Record<string, string>> = {}): string[] {
  const options: Record<string, string> = {
    model: world.model,
    labels: world.labels,
    calibration: world.calibration,
    annotations: world.annotations,
    images: world.images,
    out: join(folder, name),
    work: join(folder, 'work'),
    report: join(folder, `${name}.json`),
    'max-ap-drop': '0.05',
    'time-budget': BUDGET,
    ...more,
  };
  return [CLI, 'optimize', ...Object.entries(options).flatMap(([key, value]) => [`--${key}`, value])];
}

function optimize(name: string, more?: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, argumentsOf(name, more), {
    encoding: 'utf8',
  });
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return { status, stdout, stderr, last };
}

function reportOf(name: string): OptimizeReport {
  return optimizeReportSchema.parse(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
}

/** When each finished step was written. */
function stepTimes(): Record<string, number> {
  const steps = join(folder, 'work/steps');
  return Object.fromEntries(readdirSync(steps).map((name) => [name, statSync(join(steps, name)).mtimeMs]));
}

/** Starts the command and waits for certain output, which keeps accumulating. */
async function startUntil(
  name: string,
  text: string,
  more?: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; reported: () => string }> {
  const child = spawn(process.execPath, argumentsOf(name, more), { stdio: ['ignore', 'ignore', 'pipe'] });
  let reported = '';
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (data: Buffer) => {
      reported += data.toString();
      if (reported.includes(text)) resolve();
    });
    child.once('exit', () => {
      resolve();
    });
  });
  expect(reported).toContain(text);
  return { child, reported: () => reported };
}

describe('goshawk optimize', () => {
  it(
    'resumes after a kill, and makes a bundle within the floor, with the proof',
    { timeout: 240_000 },
    async () => {
      const { child: killed } = await startUntil('first', ': search');
      killed.kill('SIGKILL');
      await once(killed, 'exit');
      expect(existsSync(join(folder, 'first', 'small'))).toBe(false);

      const { status, stdout, stderr } = optimize('first', { html: join(folder, 'first.html') });
      expect([status, stderr.includes('GOSHAWK')]).toEqual([0, false]);
      expect(stdout).toMatch(/bundle {3}.*first\/small\/1\.0\.0/);
      expect(stdout).toMatch(/next {5}goshawk drift fit --bundle .*first\/small\/1\.0\.0 --annotations /);
      const report = reportOf('first');
      const bundle = await loadBundle(join(folder, 'first/small/1.0.0'));
      expect(report.bundle?.digest).toBe(bundle.digest);
      expect((await verifyBundle(bundle)).every(({ ran }) => ran)).toBe(true);
      expect(report.variants.map(({ id }) => id)).toEqual(bundle.manifest.variants.map(({ id }) => id));

      for (const variant of report.variants) {
        expect(variant.choice?.drop).toBeLessThanOrEqual(0.05);
        expect(variant.confirmed).toBe(variant.final.drop <= 0.05);
        // what saturates on this machine is evaluated with exact kernels and not timed, and the bundle says so
        const elsewhere = variant.requires !== null && report.machine?.int8 === 'saturating';
        const manifested = bundle.manifest.variants.find(({ id }) => id === variant.id);
        const evaluated = bundle.manifest.evaluation?.find((entry) => entry.variant === variant.id);
        expect(variant.latencyMs === null).toBe(elsewhere);
        expect(evaluated?.exactInt8).toBe(elsewhere ? true : undefined);
        const isTimed = variant.providers.includes('cpu') && !elsewhere;
        expect(manifested?.latencies !== undefined).toBe(isTimed);
        if (isTimed) expect(variant.latencyMs!.ratio).toBeLessThanOrEqual(1.02);
      }
      // int8 weights alone take about a third of the bytes; whether a variant counts as slower depends on the machine
      const original = report.candidates.find(({ id }) => id === 'original')!;
      const smallest = Math.min(...report.candidates.map(({ bytes }) => bytes ?? Infinity));
      expect(smallest).toBeLessThan(0.5 * original.bytes);
      expect(bundle.manifest.variants.some(({ providers }) => providers.includes('cuda'))).toBe(true);
      expect(report.original.final.apByClass['ghost']).toBeNull();

      const ids = report.candidates.map(({ id }) => id);
      expect(ids.slice(0, 2)).toEqual(['original', 'clean']);
      expect(report.candidates.filter(({ verdict }) => verdict === 'chosen')).toHaveLength(1);
      const { search, choice, final } = report.data;
      expect([search.images, choice?.images, final.images]).toEqual([12, 6, 6]);
      expect(new Set([search.digest, choice?.digest, final.digest]).size).toBe(3);
      // how far it gets in its time depends on the machine
      expect(report.outcome.text.includes('The time budget ended before')).toBe(report.notTried.length > 0);
      expect(report.clean).toMatchObject({ refused: null });
      expect(report.memory.quantizerPeakBytes).toBeGreaterThan(1e6);

      const stage = bundle.manifest.lineage.stages?.at(-1);
      expect(stage).toMatchObject({
        stage: 'optimize',
        calibration: { digest: report.data.calibration.digest, count: 8 },
        dataset: { digest: report.data.annotations.digest, count: 24 },
        hyperparameters: { maxApDrop: 0.05, seed: 1 },
      });
      expect(bundle.manifest.evaluation?.[0]).toMatchObject({ images: 6, evaluator: 'goshawk optimize' });
      const page = readFileSync(join(folder, 'first.html'), 'utf8');
      expect(page).toContain('Accuracy against latency');
      for (const id of ids) expect(page).toContain(id);
    },
  );

  it('takes a bundle, names it as parent, and repeats no finished step', { timeout: 240_000 }, async () => {
    const first = await loadBundle(world.bundle.folder);
    const { status, last } = optimize('second', { model: first.folder });
    expect([status, last.includes('GOSHAWK')]).toEqual([0, false]);
    const done = stepTimes();
    expect(optimize('third', { model: first.folder }).status).toBe(0);
    expect(stepTimes()).toMatchObject(done);
    const bundles = await Promise.all(
      ['second', 'third'].map((name) => loadBundle(join(folder, name, 'small/1.1.0'))),
    );
    expect(bundles[0]!.manifest.lineage.parents).toEqual([
      { name: 'small', version: '1.0.0', digest: first.digest },
    ]);
    // how far each gets beyond the finished steps in its time depends on the machine
    const [second, third] = ['second', 'third'].map((name) => reportOf(name).candidates.map(({ id }) => id));
    expect(third?.slice(0, 2)).toEqual(['original', 'clean']);
    expect(second?.slice(0, 2)).toEqual(third?.slice(0, 2));
  });

  it('writes the drift reference of its bundle', { timeout: 240_000 }, async () => {
    // as many images as a reference needs; nothing is searched
    const observed = await makeSmallWorld(join(folder, 'observed'), 2, 60);
    const { model, labels, calibration, annotations, images } = observed;
    const file = join(folder, 'observed.json');
    const more = { 'drift-reference-out': file, 'robot-score': '0.4', 'time-budget': '0.001' };
    const work = join(folder, 'observed-work');
    const files = { model, labels, calibration, annotations, images, work };
    const { status, stdout, stderr } = optimize('made', { ...files, ...more });
    expect([status, stderr.includes('GOSHAWK')]).toEqual([0, false]);
    expect(stdout).toContain(`${file}: `);
    expect(stdout).toContain('contexts: images (60 observations)');
    const { reference } = await openDriftReference(file);
    const { digest, manifest } = await loadBundle(join(folder, 'made/small/1.0.0'));
    expect(reference).toMatchObject({
      bundle: { name: 'small', version: '1.0.0', digest },
      camera: null,
      settings: { tracking: null, score_threshold: 0.4, iou_threshold: manifest.thresholds.iou },
      contexts: [{ name: 'images', measures: { frames: 60 } }],
    });
    expect(reference.contexts[0]?.columns.brightness).toHaveLength(60);
  });

  it('stops cleanly on a signal', { timeout: 60_000 }, async () => {
    const { child, reported } = await startUntil('stopped', ': search', {
      work: join(folder, 'stopped-work'),
    });
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    expect(reported()).toMatch(/GOSHAWK_INTERRUPTED: optimize \(finished steps are kept in .*stopped-work\)/);
    expect(existsSync(join(folder, 'stopped', 'small'))).toBe(false);
    expect(existsSync(join(folder, 'stopped-work', 'lock'))).toBe(false);
  });

  it('reports a latency that cannot be met, and writes no bundle', { timeout: 120_000 }, () => {
    const { status, last } = optimize('target', { 'max-latency-ms': '0.0001' });
    expect([status, last]).toEqual([
      1,
      expect.stringMatching(/^GOSHAWK_OPTIMIZE_TARGET: no variant .* takes 0\.0001 ms/),
    ]);
    expect(reportOf('target')).toMatchObject({
      bundle: null,
      outcome: { text: expect.stringMatching(/not met/) as string },
    });
    expect(existsSync(join(folder, 'target', 'small'))).toBe(false);
  });

  describe('refuses, in one line, with a code, before it writes anything', () => {
    const write = (name: string, text: string): string => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    };
    const annotations = (edit: (coco: Record<string, { id: number }[]>) => void): string => {
      const coco = JSON.parse(readFileSync(world.annotations, 'utf8')) as Record<string, { id: number }[]>;
      edit(coco);
      return write(`labels-${Math.random()}.json`, JSON.stringify(coco));
    };
    const cases: [string, () => Record<string, string> | Promise<Record<string, string>>, RegExp][] = [
      [
        'a broken calibration image',
        () => ({ calibration: brokenImages() }),
        /GOSHAWK_OPTIMIZE_PICTURES: .*image cut\.png cannot be used/,
      ],
      [
        'a folder without images',
        () => ({ calibration: join(folder, 'imported') }),
        /GOSHAWK_OPTIMIZE_PICTURES: .*no \.jpg/,
      ],
      [
        'labels beyond the classes',
        () => ({ labels: write('more.txt', 'a\nb\nc\nd\ne') }),
        /GOSHAWK_LABELS_MISMATCH: .*5 labels.*3 classes/,
      ],
      [
        'categories that the model does not know',
        () => ({
          annotations: annotations((coco) => coco['categories']!.push({ id: 9, name: 'unicorn' } as never)),
        }),
        /GOSHAWK_CATEGORY_UNKNOWN: .*unicorn/,
      ],
      [
        'an annotation of a category that is not there',
        () => ({
          annotations: annotations((coco) => Object.assign(coco['annotations']![0]!, { category_id: 99 })),
        }),
        /GOSHAWK_DATASET_INVALID: .*no category 99/,
      ],
      [
        'images without an object',
        () => ({ annotations: annotations((coco) => (coco['annotations'] = [])) }),
        /GOSHAWK_OPTIMIZE_UNJUDGED: .*no object/,
      ],
      [
        'images that are not there',
        () => ({ images: world.calibration }),
        /GOSHAWK_DATASET_IMAGE: image 8\.png/,
      ],
      [
        'calibration images that are labeled ones under other names',
        async () => ({ calibration: await labeledImage() }),
        /GOSHAWK_OPTIMIZE_OVERLAP: 1 of the 9 calibration images .* pixel for pixel: other\.png is 5\.png/,
      ],
      [
        'a floor that is none',
        () => ({ 'max-ap-drop': '1.5' }),
        /GOSHAWK_PARAMETER_INVALID: .*max-ap-drop = 1\.5/,
      ],
      ['a model that is none', () => ({ model: world.annotations }), /GOSHAWK_MODEL_UNREADABLE/],
      ['a bundle that is not there', () => ({ model: 'no-such-bundle' }), /GOSHAWK_BUNDLE_NOT_FOUND/],
      [
        'a drift reference of too few images',
        () => ({ 'drift-reference-out': join(folder, 'ref.json') }),
        /GOSHAWK_DRIFT_REFERENCE_SHORT: .* has 24 observations, and a reference needs 60/,
      ],
      [
        'a limit of the robot that its bundle does not know',
        () => ({ 'drift-reference-out': join(folder, 'ref.json'), 'robot-class-filter': 'unicorn' }),
        /GOSHAWK_PARAMETER_INVALID: .*class_filter.*unicorn/,
      ],
      [
        'a version that is there',
        () => ({ out: join(folder, 'imported') }),
        /GOSHAWK_USAGE: .*imported\/small\/1\.0\.0 exists already/,
      ],
    ];

    function calibrationCopy(): string {
      const place = mkdtempSync(join(folder, 'calibration-'));
      for (const name of readdirSync(world.calibration)) {
        writeFileSync(join(place, name), readFileSync(join(world.calibration, name)));
      }
      return place;
    }

    /** Re-encoded: another file with the same pixels. */
    async function labeledImage(): Promise<string> {
      const place = calibrationCopy();
      await sharp(join(world.images, '5.png')).png({ compressionLevel: 0 }).toFile(join(place, 'other.png'));
      return place;
    }

    function brokenImages(): string {
      const place = calibrationCopy();
      writeFileSync(join(place, 'cut.png'), readFileSync(join(world.calibration, '0.png')).subarray(0, 2000));
      return place;
    }

    it.each(cases)('%s', async (name, more, text) => {
      const { status, last } = optimize(`refused`, await more());
      expect([status, last]).toEqual([1, expect.stringMatching(text)]);
      expect(existsSync(join(folder, 'refused'))).toBe(false);
    });
  });
});
