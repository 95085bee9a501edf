import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { accuracyReportSchema } from '../../../src/contract/report.ts';
import { Detection2DArrayEncoder } from '../../../src/core/cdr/detection2d-array.ts';
import { encodeCompressedImage, encodeImage } from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { encodeJpeg, encodePng } from '../../../src/device/imaging/encode-image.ts';
import type { ImageDetector } from '../../../src/tools/evaluate/detector.ts';
import {
  evaluateRecordings,
  type RecordingsOptions,
} from '../../../src/tools/evaluate/recording/evaluate-recordings.ts';
import { summarizeAccuracy } from '../../../src/tools/evaluate/summary.ts';
import { McapRecording } from '../../../src/device/recording/mcap-recording.ts';
import { inRecording } from '../../../src/tools/evaluate/recording/recording-error.ts';
import { sha256Of } from '../../../src/platform/digest.ts';
import { writeBagMetadata, writeMcap, writeSqlite, type BagMessage } from '../../support/rosbag2.ts';
import { scratchFolder } from './scratch.ts';

const { folder } = scratchFolder();
const [WIDTH, HEIGHT] = [64, 48];
const LABELS = ['person', 'car'];
const times = { preprocess: 1, queue: 2, inference: 3, decode: 4 };

function boxes(...entries: readonly (readonly [number, number, number])[]): Detections {
  const detections = createDetections(entries.length);
  for (const [x, label, score] of entries) {
    const i = detections.count++;
    detections.boxes.set([x, 10, x + 16, 30], 4 * i);
    detections.classes[i] = label;
    detections.scores[i] = score;
  }
  return detections;
}

/** Finds the same in every image. */
function finding(name: string, found: Detections, labels = LABELS): ImageDetector {
  return {
    bundle: { name, version: '1.0.0', digest: 'a'.repeat(64) },
    labels,
    published: { score: 0.3, maxDetections: 300 },
    inGraph: false,
    providers: ['cpu'],
    parallel: 2,
    detect: () => Promise.resolve({ detections: found, width: WIDTH, height: HEIGHT, times }),
    release: () => undefined,
    close: () => Promise.resolve(),
  };
}

interface Plan {
  readonly frames?: number;
  readonly kind?: 'raw' | 'jpeg';
  /** frames with a label message */
  readonly isLabeled?: (frame: number) => boolean;
  /** frames whose message is cut off, and those whose picture does not decode */
  readonly isBroken?: (frame: number) => boolean;
  readonly isDamaged?: (frame: number) => boolean;
  readonly truth?: Detections;
  /** topics of labels, each with what is in every frame of it; in place of `truth` */
  readonly labels?: Readonly<Record<string, Detections>>;
  /** seconds of the stamp of a frame and of its labels */
  readonly stampOf?: (frame: number) => { readonly image: number; readonly labels: number };
}

const cdr = new CdrWriter();
const PIXELS = new Uint8Array(WIDTH * HEIGHT * 3).fill(90);

/** What one camera and its labels send. */
async function messagesOf(plan: Plan, first = 0): Promise<BagMessage[]> {
  const { frames = 6, kind = 'jpeg', isLabeled = () => true, isBroken = () => false } = plan;
  const truths = plan.labels ?? { '/ground_truth': plan.truth ?? boxes([4, 0, 1], [40, 1, 1]) };
  const encoder = new Detection2DArrayEncoder(LABELS);
  const jpeg = await encodeJpeg(PIXELS, WIDTH, HEIGHT, 80);
  const damaged = await damagedPng();
  return Array.from({ length: frames }, (_, at) => first + at).flatMap((i) => {
    const secondsOf = plan.stampOf?.(i) ?? { image: i, labels: i };
    const headerAt = (sec: number) => ({ stamp: { sec: 100 + sec, nanosec: 5 }, frameId: 'front' });
    const header = headerAt(secondsOf.image);
    const raw = { width: WIDTH, height: HEIGHT, encoding: 'rgb8', step: WIDTH * 3 };
    const bytes =
      kind === 'raw'
        ? encodeImage(cdr, header, raw, PIXELS)
        : encodeCompressedImage(cdr, header, 'jpeg', plan.isDamaged?.(i) === true ? damaged : jpeg);
    const type = kind === 'raw' ? 'sensor_msgs/msg/Image' : 'sensor_msgs/msg/CompressedImage';
    const data = isBroken(i) ? bytes.slice(0, 40) : bytes.slice();
    const logTime = BigInt(i) * 1_000_000_000n;
    const labels = Object.entries(isLabeled(i) ? truths : {}).map(([topic, truth]) => ({
      topic,
      type: 'vision_msgs/msg/Detection2DArray',
      data: encoder.encode(headerAt(secondsOf.labels), truth).slice(),
      logTime,
    }));
    return [{ topic: '/front/image_raw', type, data, logTime }, ...labels];
  });
}

/** Its header is whole, its pixels are not: only decoding shows it. */
async function damagedPng(): Promise<Uint8Array> {
  const noise = PIXELS.map((_, i) => (i * 7919) % 251);
  const png = new Uint8Array(await encodePng(noise, WIDTH, HEIGHT));
  return png.fill(0x55, 60, png.length - 40);
}

async function record(name: string, plan: Plan = {}): Promise<string> {
  const path = join(folder, `${name}.mcap`);
  await writeMcap(path, await messagesOf(plan));
  return path;
}

const evaluate = (files: readonly string[], more: Partial<RecordingsOptions> = {}) =>
  evaluateRecordings({
    files,
    topic: null,
    labels: null,
    detector: finding('small', boxes([4, 0, 0.9], [40, 1, 0.8])),
    judge: null,
    ignoreUnknown: false,
    resamples: 0,
    seed: 1,
    settings: null,
    onProgress: () => undefined,
    ...more,
  });

describe('evaluate --recording', () => {
  it.each(['raw', 'jpeg'] as const)(
    'compares detections in %s images with the labels of their stamps',
    async (kind) => {
      const report = await evaluate([await record(kind, { kind })]);
      expect(accuracyReportSchema.parse(report)).toEqual(report);
      expect(report).toMatchObject({ images: 6, objects: 12, judge: null });
      expect(report.ap).toBeCloseTo(1, 9);
      const half = finding('half', boxes([4, 0, 0.9]));
      const worse = await evaluate([await record('half', { kind })], { detector: half });
      expect(worse.apByClass).toMatchObject({ person: 1, car: 0 });
    },
  );

  it('leaves out images without labels and what cannot be read, and says so', async () => {
    const file = await record('holes', { isLabeled: (i) => i !== 1, isBroken: (i) => i === 4 });
    const report = await evaluate([file, await record('whole')]);
    expect(report.images).toBe(10);
    expect(report.recordings).toEqual([
      expect.objectContaining({ file, images: 4, unlabeled: 1, unreadable: 0, notices: [] }),
      expect.objectContaining({ images: 6, unlabeled: 0, unreadable: 0 }),
    ]);
    expect(summarizeAccuracy(report)).toContain('1 images without labels, 0 pieces unreadable');
    expect(report.recordings?.[0]?.refused?.counts).toEqual({ malformed: 1 });
  });

  it('takes labels of the camera whose images they are, never of another one', async () => {
    const [right, wrong] = [boxes([4, 0, 1], [40, 1, 1]), boxes([20, 0, 1])];
    const both = await record('both', {
      labels: { '/a/ground_truth': wrong, '/ground_truth': wrong, '/front/ground_truth': right },
    });
    const report = await evaluate([both]);
    expect(report.recordings).toEqual([expect.objectContaining({ labelTopic: '/front/ground_truth' })]);
    expect(report.ap).toBeCloseTo(1, 9);
    const named = await evaluate([both], { labels: '/a/ground_truth' });
    expect(named.recordings).toEqual([expect.objectContaining({ labelTopic: '/a/ground_truth' })]);
    for (const labels of [
      { '/rear/labels': wrong },
      { '/frontier/labels': wrong },
      { '/front/labels': right, '/front/ground_truth': right },
    ])
      await expect(evaluate([await record('unclear', { labels })])).rejects.toThrow(/labels.*--labels-topic/);
  });

  it('counts images whose labels are not clear, since a stamp is there twice, as unlabeled', async () => {
    const labels = (i: number) => ({ image: i, labels: i === 1 ? 0 : i });
    const images = (i: number) => ({ image: i === 3 ? 2 : i, labels: i });
    const report = await evaluate([
      await record('labels-twice', { stampOf: labels }),
      await record('images-twice', { stampOf: images }),
    ]);
    // of the first, stamp 0 has two messages and stamp 1 none; of the second, stamp 2 has two images
    expect(report.recordings).toEqual([
      expect.objectContaining({ images: 4, unlabeled: 2 }),
      expect.objectContaining({ images: 5, unlabeled: 1 }),
    ]);
  });

  it('takes a recording that is cut in the middle as far as it can be read, and says so', async () => {
    const file = await record('cut', { frames: 12 });
    await truncate(file, Math.floor((await readFile(file)).length / 2));
    const report = await evaluate([file]);
    expect(report.images).toBeGreaterThan(2);
    expect(report.images).toBeLessThan(12);
    expect(report.recordings?.[0]?.notices).toEqual([expect.stringMatching(/cut short .*from byte \d+/)]);
    expect(report.ap).toBeCloseTo(1, 9);
  });

  it('takes what a judge detects from a score on for labels, and names it', async () => {
    const file = await record('judged', { isLabeled: () => false });
    const judge = finding('large', boxes([4, 0, 0.9], [40, 1, 0.3]));
    const report = await evaluate([file], { judge: { detector: judge, score: 0.5 } });
    expect(report).toMatchObject({ objects: 6, judge: { bundle: { name: 'large' }, score: 0.5 } });
    expect(report.apByClass).toMatchObject({ person: 1, car: null });
    expect(summarizeAccuracy(report)).toContain('against large@1.0.0, its detections from 0.5 on');
  });

  it('refuses classes that the bundle does not have, unless they are to be ignored', async () => {
    const file = await record('unknown');
    const detector = finding('people', boxes([4, 0, 0.9]), ['person']);
    await expect(evaluate([file], { detector })).rejects.toMatchObject({ code: 'GOSHAWK_CATEGORY_UNKNOWN' });
    const report = await evaluate([file], { detector, ignoreUnknown: true });
    expect(report).toMatchObject({ objects: 6, ap: 1 });
    const judge = { detector: finding('large', boxes([40, 1, 0.9])), score: 0.5 };
    await expect(evaluate([file], { detector, judge })).rejects.toMatchObject({
      code: 'GOSHAWK_CATEGORY_UNKNOWN',
    });
  });

  it('refuses a recording without labels, without images, or that is none', async () => {
    const unlabeled = await record('unlabeled', { isLabeled: () => false });
    await expect(evaluate([unlabeled])).rejects.toMatchObject({ code: 'GOSHAWK_RECORDING_UNUSABLE' });
    const file = await record('named');
    for (const more of [{ topic: '/rear' }, { labels: '/rear' }])
      await expect(evaluate([file], more)).rejects.toMatchObject({ code: 'GOSHAWK_RECORDING_UNUSABLE' });
    await expect(evaluate([import.meta.filename])).rejects.toMatchObject({
      code: 'GOSHAWK_RECORDING_UNUSABLE',
    });
  });

  it('leaves out images that do not decode, and names them with the reason', async () => {
    const file = await record('damaged', { isDamaged: (i) => i === 2 || i === 3, isBroken: (i) => i === 5 });
    const report = await evaluate([file, await record('after')]);
    expect(accuracyReportSchema.parse(report)).toEqual(report);
    expect(report).toMatchObject({ images: 9, objects: 18 });
    expect(report.ap).toBeCloseTo(1, 9);
    const refused = report.recordings?.[0]?.refused;
    expect(refused?.counts).toEqual({ corrupt_image: 2, malformed: 1 });
    expect(refused?.first.map(({ at }) => at).sort()).toEqual(
      ['102.000000005', '103.000000005', '5 (recorded)'].sort(),
    );
    expect(report.recordings?.[1]?.refused).toEqual({ counts: {}, first: [] });
    expect(summarizeAccuracy(report)).toMatch(
      /2 images left out \(corrupt_image\), such as that of 10[23]\./,
    );
  });

  it('names 20 damaged images at most, and counts all', async () => {
    const file = await record('many', { frames: 40, isBroken: (i) => i > 0 });
    const [facts] = (await evaluate([file])).recordings ?? [];
    expect(facts?.refused?.counts).toEqual({ malformed: 39 });
    expect(facts?.refused?.first).toHaveLength(20);
  });

  it('writes no image to the disk, however long the recording is', async () => {
    const own = join(folder, 'tmp');
    await mkdir(own);
    vi.stubEnv('TMPDIR', own);
    const seen: string[] = [];
    const detector = finding('small', boxes([4, 0, 0.9], [40, 1, 0.8]));
    const looking: ImageDetector = {
      ...detector,
      detect: async (image) => {
        seen.push(...(await readdir(own)));
        return detector.detect(image);
      },
    };
    for (const kind of ['raw', 'jpeg'] as const)
      expect((await evaluate([await record('long', { kind })], { detector: looking })).images).toBe(6);
    expect(seen).toEqual([]);
  });
});

describe('evaluate --recording with a folder of rosbag2', () => {
  /** Splits of both storages, as `ros2 bag record --max-bag-duration` makes them of one kind. */
  async function bag(name: string): Promise<string> {
    const path = join(folder, name);
    await mkdir(path);
    await writeMcap(join(path, 'run_0.mcap'), await messagesOf({ frames: 3 }));
    writeSqlite(join(path, 'run_1.db3'), await messagesOf({ frames: 4, isDamaged: (i) => i === 4 }, 3));
    await writeBagMetadata(path, ['run_0.mcap', 'run_1.db3']);
    return path;
  }

  it('evaluates all its splits as one recording', async () => {
    const path = await bag('whole');
    const report = await evaluate([path]);
    expect(report).toMatchObject({ images: 6, objects: 12 });
    expect(report.recordings).toEqual([
      expect.objectContaining({ file: path, images: 6, notices: [], unlabeled: 0 }),
    ]);
    expect(report.recordings?.[0]?.refused?.counts).toEqual({ corrupt_image: 1 });
  });

  it('has the digest of all its files, wherever it is', async () => {
    const path = await bag('digest');
    const digest = (await evaluate([path])).recordings?.[0]?.sha256;
    const lines = execFileSync('sha256sum', ['metadata.yaml', 'run_0.mcap', 'run_1.db3'], { cwd: path });
    expect(digest).toBe(sha256Of(lines));
    const copy = join(folder, 'copy');
    await mkdir(copy);
    for (const name of await readdir(path)) await copyFile(join(path, name), join(copy, name));
    expect((await evaluate([copy])).recordings?.[0]?.sha256).toBe(digest);
    expect((await evaluate([join(copy, 'metadata.yaml')])).recordings?.[0]?.sha256).toBe(digest);
    await writeMcap(join(copy, 'run_0.mcap'), await messagesOf({ frames: 2 }));
    expect((await evaluate([copy])).recordings?.[0]?.sha256).not.toBe(digest);
  });

  it('evaluates what there is if a split is gone, and says so', async () => {
    const path = await bag('gone');
    await rm(join(path, 'run_0.mcap'));
    const [facts] = (await evaluate([path])).recordings ?? [];
    expect(facts).toMatchObject({ images: 3, notices: [expect.stringContaining('run_0.mcap is skipped')] });
  });

  it('evaluates a database without the message on a damaged page', async () => {
    const file = join(folder, 'page.db3');
    writeSqlite(file, await messagesOf({ frames: 20, kind: 'raw' }));
    const bytes = await readFile(file);
    // a page that goes on with the pixels of a message starts with the number of the next one (SQLite format, 1.6)
    const pages = Array.from({ length: bytes.length / 4096 }, (_, page) =>
      bytes.subarray(page * 4096, (page + 1) * 4096),
    );
    const middle = pages.filter((page) => page.subarray(4).every((byte) => byte === 90));
    middle[Math.floor(middle.length / 2)]!.fill(0xff, 0, 4);
    await writeFile(file, bytes);
    const [facts] = (await evaluate([file])).recordings ?? [];
    expect(facts).toMatchObject({ images: 19, unreadable: 1 });
  });

  it('refuses a database whose tables are damaged, with the command that recovers it', async () => {
    const file = join(folder, 'tables.db3');
    writeSqlite(file, await messagesOf({ frames: 60 }));
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0xff, 4096));
    await expect(evaluate([file])).rejects.toThrow(/sqlite3 .*\.recover/);
  });
});

describe('evaluate --recording on a bad disk', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('says that a file cannot be read', async () => {
    const loop = join(folder, 'loop.mcap');
    await symlink(loop, loop);
    // reading it at 0 is an error of the device (EIO)
    const broken = join(folder, 'eio.mcap');
    await symlink('/proc/self/mem', broken);
    for (const name of [loop, broken, '/nowhere.mcap'])
      await expect(evaluate([name])).rejects.toMatchObject({ code: 'GOSHAWK_FILE_UNREADABLE' });
  });

  it('says so if reading fails later on', async () => {
    const file = await record('fails');
    const lost = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5 });
    const read = vi.spyOn(McapRecording.prototype, 'messages').mockImplementation(async function* () {
      yield await Promise.reject(lost);
    });
    await expect(evaluate([file])).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_UNREADABLE',
      details: { file },
    });
    read.mockRestore();
  });

  it('says that the disk is full, if a packed recording finds no room to be unpacked', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', errno: -28 });
    const work = inRecording('drive.mcap.zstd', () =>
      Promise.reject(new Error('it cannot be unpacked', { cause: full })),
    );
    await expect(work).rejects.toMatchObject({ code: 'GOSHAWK_NO_SPACE' });
  });
});
