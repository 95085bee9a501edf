import { open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { McapWriter } from '@mcap/core';
import { describe, expect, it } from 'vitest';
import { accuracyReportSchema } from '../../../src/contract/report.ts';
import { Detection2DArrayEncoder } from '../../../src/core/cdr/detection2d-array.ts';
import { encodeCompressedImage, encodeImage } from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { encodeJpeg } from '../../../src/device/imaging/encode-image.ts';
import type { ImageDetector } from '../../../src/tools/evaluate/detector.ts';
import {
  evaluateRecordings,
  type RecordingsOptions,
} from '../../../src/tools/evaluate/recording/evaluate-recordings.ts';
import { summarizeAccuracy } from '../../../src/tools/evaluate/summary.ts';
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
  readonly isBroken?: (frame: number) => boolean;
  readonly truth?: Detections;
  /** topics of labels, each with what is in every frame of it; in place of `truth` */
  readonly labels?: Readonly<Record<string, Detections>>;
  /** seconds of the stamp of a frame and of its labels */
  readonly stampOf?: (frame: number) => { readonly image: number; readonly labels: number };
}

/** A recording of one camera, with a chunk for each message. */
async function record(name: string, plan: Plan = {}): Promise<string> {
  const { frames = 6, kind = 'jpeg', isLabeled = () => true, isBroken = () => false } = plan;
  const path = join(folder, `${name}.mcap`);
  const file = await open(path, 'w');
  let position = 0n;
  const writable = {
    write: async (bytes: Uint8Array) => {
      await file.write(bytes);
      position += BigInt(bytes.length);
    },
    position: () => position,
  };
  const writer = new McapWriter({ writable, chunkSize: 1 });
  await writer.start({ profile: 'ros2', library: 'test' });
  const channel = async (topic: string, type: string): Promise<number> => {
    const schemaId = await writer.registerSchema({
      name: type,
      encoding: 'ros2msg',
      data: new Uint8Array(0),
    });
    return writer.registerChannel({ schemaId, topic, messageEncoding: 'cdr', metadata: new Map() });
  };
  const type = kind === 'raw' ? 'sensor_msgs/msg/Image' : 'sensor_msgs/msg/CompressedImage';
  const images = await channel('/front/image_raw', type);
  const truths: (readonly [number, Detections])[] = [];
  for (const [topic, truth] of Object.entries(
    plan.labels ?? { '/ground_truth': plan.truth ?? boxes([4, 0, 1], [40, 1, 1]) },
  ))
    truths.push([await channel(topic, 'vision_msgs/msg/Detection2DArray'), truth]);
  const cdr = new CdrWriter();
  const encoder = new Detection2DArrayEncoder(LABELS);
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3).fill(90);
  const jpeg = await encodeJpeg(pixels, WIDTH, HEIGHT, 80);
  for (let i = 0; i < frames; i += 1) {
    const secondsOf = plan.stampOf?.(i) ?? { image: i, labels: i };
    const headerAt = (sec: number) => ({ stamp: { sec: 100 + sec, nanosec: 5 }, frameId: 'front' });
    const header = headerAt(secondsOf.image);
    const logTime = BigInt(i) * 1_000_000_000n;
    const raw = { width: WIDTH, height: HEIGHT, encoding: 'rgb8', step: WIDTH * 3 };
    const bytes =
      kind === 'raw'
        ? encodeImage(cdr, header, raw, pixels)
        : encodeCompressedImage(cdr, header, 'jpeg', jpeg);
    const data = isBroken(i) ? bytes.slice(0, 40) : bytes.slice();
    await writer.addMessage({ channelId: images, sequence: i, logTime, publishTime: logTime, data });
    if (!isLabeled(i)) continue;
    for (const [channelId, truth] of truths) {
      const message = encoder.encode(headerAt(secondsOf.labels), truth).slice();
      await writer.addMessage({ channelId, sequence: i, logTime, publishTime: logTime, data: message });
    }
  }
  await writer.end();
  await file.close();
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
      expect.objectContaining({ file, images: 4, unlabeled: 1, unreadable: 1, notices: [] }),
      expect.objectContaining({ images: 6, unlabeled: 0, unreadable: 0 }),
    ]);
    expect(summarizeAccuracy(report)).toContain('1 images without labels, 1 pieces unreadable');
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
    for (const name of ['/nowhere.mcap', import.meta.filename])
      await expect(evaluate([name])).rejects.toMatchObject({ code: 'GOSHAWK_RECORDING_UNUSABLE' });
  });
});
