import { readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { McapIndexedReader, McapStreamReader } from '@mcap/core';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { clipRecordSchema, clipSchema, type ClipRecord } from '../../../src/contract/clips.ts';
import { statusSchema } from '../../../src/contract/status.ts';
import { sha256Of } from '../../../src/platform/digest.ts';
import { openCamera } from '../../../src/device/camera/open-camera.ts';
import { blurBoxes } from '../../../src/device/capture/hide-boxes.ts';
import { createDetections } from '../../../src/core/detections.ts';
import { ClipFile } from '../../../src/device/capture/clip-file.ts';
import { ClipStore } from '../../../src/device/capture/clip-store.ts';
import { sharp } from '../../../src/device/imaging/sharp-setup.ts';
import { McapRecording } from '../../../src/device/recording/mcap-recording.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { BUNDLE, capturing, HEIGHT, jpegOf, MANUAL, noise, WIDTH } from './captured.ts';

async function recordsIn(folder: string): Promise<ClipRecord[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => clipRecordSchema.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))),
  );
}

async function onlyClip(folder: string): Promise<{ record: ClipRecord; path: string; bytes: Buffer }> {
  const [record] = await recordsIn(folder);
  if (record === undefined) return expect.unreachable('there is one clip');
  const path = join(folder, `${record.clip}.mcap`);
  return { record, path, bytes: await readFile(path) };
}

/** Messages by topic, by the reader of `@mcap/core` that never seeks: as far as chunks are whole. */
function streamed(bytes: Uint8Array): Map<string, number> {
  const counts = new Map<string, number>();
  const topics = new Map<number, string>();
  const reader = new McapStreamReader();
  reader.append(bytes);
  try {
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
      if (record.type === 'Channel') topics.set(record.id, record.topic);
      if (record.type !== 'Message') continue;
      const topic = topics.get(record.channelId)!;
      counts.set(topic, (counts.get(topic) ?? 0) + 1);
    }
  } catch {
    // the rest is cut off
  }
  return counts;
}

const images = (count: number, seed = 1) =>
  Promise.all(Array.from({ length: count }, (_, i) => jpegOf(seed + i)));

describe('a clip', () => {
  it('has the frames before and after, JPEG as it came, in a file that any reader reads', async () => {
    const { clip, folder, reading } = await capturing();
    const before = await images(30);
    const after = await images(15, 100);
    const answer = await clip(before, after);
    const { record, path, bytes } = await onlyClip(folder);
    expect(answer).toEqual({ clip: record.clip });
    // named by the moment of its cause, which is 1 s before its end
    const named = record.clip.replace(/^(....)(..)(..)T(..)(..)(..)Z-.*/, '$1-$2-$3T$4:$5:$6.000Z');
    expect(Math.floor(Date.parse(record.end) / 1000) * 1000 - Date.parse(named)).toBe(1000);
    // 2 s before and the frame of the moment, 1 s after
    expect(record).toMatchObject({
      frames: 31,
      missed: 0,
      complete: true,
      cameras: ['front'],
      bundle: BUNDLE,
    });
    expect(Date.parse(record.end) - Date.parse(record.start)).toBe(3000);
    expect(record).toMatchObject({ bytes: bytes.length, sha256: sha256Of(bytes) });

    const handle = {
      size: () => Promise.resolve(BigInt(bytes.length)),
      read: (at: bigint, n: bigint) => Promise.resolve(bytes.subarray(Number(at), Number(at + n))),
    };
    const reader = await McapIndexedReader.Initialize({ readable: handle });
    const topics = [...reader.channelsById.values()].map(({ topic, schemaId }) => [
      topic,
      reader.schemasById.get(schemaId)?.name,
    ]);
    expect(topics).toEqual([
      ['/front/image/compressed', 'sensor_msgs/msg/CompressedImage'],
      ['/front/detections', 'vision_msgs/msg/Detection2DArray'],
      ['/front/annotations', 'foxglove.ImageAnnotations'],
      ['/front/statistics', 'goshawk.FrameStatistics'],
    ]);
    const metadata: Record<string, string>[] = [];
    for await (const one of reader.readMetadata()) metadata.push(Object.fromEntries(one.metadata));
    expect(metadata).toEqual([
      expect.objectContaining({ clip: record.clip, reason: 'manual', bundleDigest: BUNDLE.digest }),
    ]);
    const kept: Uint8Array[] = [];
    for await (const { data } of reader.readMessages({ topics: ['/front/image/compressed'] }))
      kept.push(data);
    const expected = [...before.slice(-21), ...after.slice(0, 10)];
    kept.forEach((data, i) => expect(Buffer.from(data).includes(Buffer.from(expected[i]!.data))).toBe(true));

    const frames = await played(path);
    expect(frames).toBe(31);
    expect(reading()).toMatchObject({ clips: 1, recording: 0, recorded: { manual: 1 } });
    expect(statusSchema.shape.capture.parse(reading())).toBeDefined();
  });

  it('names the bundle also if it was asked for while the model was loading', async () => {
    const { clip, folder, model, part, deliver, clock } = await capturing();
    model.isLoaded = false;
    expect(part.capture(MANUAL)).toHaveProperty('clip');
    model.isLoaded = true;
    deliver((await images(1))[0]!);
    clock.advance(1001);
    await part.settled();
    const { record, bytes } = await onlyClip(folder);
    expect(record).toMatchObject({ bundle: BUNDLE, frames: 1 });
    expect(bytes.includes(BUNDLE.digest)).toBe(true);
    clock.advance(5000);
    expect(await clip([], [])).toHaveProperty('clip');
    expect(await recordsIn(folder)).toHaveLength(1);
  });

  it('that no frame came for is counted, and there is no file for it at any moment', async () => {
    const { clip, folder, lines, reading } = await capturing();
    await utimes(folder, 0, 0);
    const answer = await clip([], []);
    expect(answer).toHaveProperty('clip');
    expect(reading()).toMatchObject({ clips: 0, recording: 0, refused: { no_frames: 1 } });
    const name = 'clip' in answer ? answer.clip : '';
    expect(lines).toEqual([`capture: clip ${name} has no frames, so there is no such file`]);
    expect((await readdir(folder)).filter((one) => one !== 'requests')).toEqual([]);
    // a file that came and went changes the time of its folder
    expect((await stat(folder)).mtimeMs).toBe(0);
  });

  it('has raw frames as JPEG, which are encoded only then, and frees the memory of frames that left', async () => {
    const { clip, folder, deliver } = await capturing({ beforeMs: 300, ringBytes: 1 << 20 });
    const raws = Array.from({ length: 10 }, (_, i) => wide(i));
    await clip(raws, []);
    for (let i = 0; i < 10; i += 1) deliver(wide(50 + i));
    expect(raws.map(({ data }) => data.byteLength > 0)).toEqual(raws.map(() => false));
    const { record, path } = await onlyClip(folder);
    expect(record.frames).toBeGreaterThan(0);
    expect(await played(path)).toBe(record.frames);
  });

  it('stays readable up to the last whole chunk wherever it is cut, and is kept with what it has', async () => {
    const { clip, folder, part } = await capturing();
    await clip(await images(15), await images(12, 50));
    await part.stop();
    const { record, path, bytes } = await onlyClip(folder);
    const note = await readFile(join(folder, `${record.clip}.json`), 'utf8');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (cut) => {
        await writeFile(path, bytes);
        await truncate(path, cut);
        await writeFile(join(folder, `${record.clip}.json`), note);
        const counts = streamed(bytes.subarray(0, cut));
        const frames = counts.get('/front/statistics') ?? 0;
        const store = await ClipStore.open(folder, 1 << 30, () => undefined);
        if (frames === 0) expect(store.clips).toEqual([]);
        else {
          expect(store.clips).toEqual([expect.objectContaining({ frames, bytes: cut, complete: false })]);
          const recording = await McapRecording.open(path);
          expect(new Map(recording.topics.map(({ name, count }) => [name, count]))).toEqual(counts);
          await recording.close();
        }
      }),
      { numRuns: 40 },
    );
    expect(streamed(bytes).get('/front/statistics')).toBe(record.frames);
    const half = streamed(bytes.subarray(0, bytes.length / 2)).get('/front/statistics') ?? 0;
    expect(half).toBeGreaterThan(record.frames / 4);
  });

  it('blurs boxes and nothing else, or has no images at all', async () => {
    const [image] = await images(1);
    const blurred = await capturing({ privacy: 'blur' });
    await blurred.clip([image!], []);
    const blurredClip = await onlyClip(blurred.folder);
    const pixels = await firstImage(blurredClip.path);
    const inside = roughness(pixels, 32, 22, 48, 28);
    const outside = roughness(pixels, 60, 40, 90, 60);
    expect(inside).toBeLessThan(outside / 3);
    expect(roughness(await decode(image!.data), 32, 22, 48, 28)).toBeGreaterThan(inside * 3);

    const hidden = await capturing({ privacy: 'no-pixels' });
    expect(hidden.sink.wantsImage?.('front')).toBe(false);
    await hidden.clip(await images(3), []);
    expect(hidden.reading().ring.bytes).toBeLessThan(10_000);
    const { bytes, record } = await onlyClip(hidden.folder);
    expect(record).toMatchObject({ privacy: 'no-pixels', frames: 3 });
    const counts = streamed(bytes);
    expect([counts.get('/front/image/compressed'), counts.get('/front/detections')]).toEqual([undefined, 3]);
  });
});

it('blurs one box at a time, and leaves threads to others', async () => {
  const crowd = createDetections(20);
  for (let i = 0; i < 20; i += 1) crowd.boxes.set([i * 4, 4, i * 4 + 12, 40], 4 * i);
  crowd.count = 20;
  let most = 0;
  const look = (): void => {
    const { queue, process: running } = sharp.counters();
    most = Math.max(most, queue + running);
  };
  sharp.queue.on('change', look);
  await blurBoxes(noise(1), crowd, 90);
  sharp.queue.off('change', look);
  // sharp may count one for a moment after its result is there, or one of a clip before; of 20 at once it would be 20
  expect(most).toBeLessThanOrEqual(2);
});

it('a clip of more cameras than one may have is of the first ones, and says so', async () => {
  const cameras = ['front', ...Array.from({ length: 299 }, (_, i) => `camera${String(i)}`)];
  const { clip, folder, lines, offered } = await capturing({}, cameras);
  await clip(await images(3), await images(3, 100));
  const { record } = await onlyClip(folder);
  expect(record).toMatchObject({ frames: 6, complete: true, cameras: cameras.slice(0, 256) });
  expect(lines).toContain('capture: a clip has 256 of the 300 cameras: ask for the others by name');
  expect(clipSchema.parse(offered[0])).toMatchObject({ clip: record.clip });
  // what is on the disk can be read after a restart
  expect(
    (await ClipStore.open(folder, 1 << 30, () => expect.unreachable('it can be read'))).clips,
  ).toHaveLength(1);
});

describe('budgets', () => {
  it('remove the oldest clips that nobody protects, and refuse when all are', async () => {
    const { clip, folder, part, reading, clock } = await capturing({ beforeMs: 100, budgetBytes: 100_000 });
    const few = await images(4);
    const ids: string[] = [];
    for (let i = 0; i < 12; i += 1) {
      const answer = await clip(few, []);
      if ('clip' in answer) ids.push(answer.clip);
      clock.advance(5000);
    }
    expect(reading().bytes).toBeLessThanOrEqual(100_000);
    expect(reading().removed).toBeGreaterThan(0);
    const left = (await recordsIn(folder)).map(({ clip: id }) => id);
    expect(left).toEqual(ids.slice(-left.length));

    const full = await capturing({
      folder: await temporaryFolder('capture'),
      beforeMs: 100,
      budgetBytes: 60_000,
    });
    for (let i = 0; i < 12; i += 1) {
      for (const image of few) full.deliver(image);
      full.part.capture({ ...MANUAL, isProtected: true });
      full.clock.advance(1001);
      await full.part.settled();
    }
    expect(full.reading().refused['no_room']).toBeGreaterThan(0);
    expect(full.lines).toContainEqual(expect.stringMatching(/capture_budget_mb is used up/));
    await part.stop();
  });

  it('end a clip at half of them, so that it does not push out all others', async () => {
    const { clip, folder, reading, lines, clock } = await capturing({ budgetBytes: 600_000 });
    const ids: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      const answer = await clip(await images(3), []);
      if ('clip' in answer) ids.push(answer.clip);
      clock.advance(5000);
    }
    await clip(await images(30), await images(10, 50));
    const records = await recordsIn(folder);
    expect(records.map((record) => record.clip)).toEqual(expect.arrayContaining(ids));
    expect(records.filter(({ complete }) => !complete)).toHaveLength(1);
    expect(reading()).toMatchObject({ clips: 3, removed: 0, refused: { no_room: 1 } });
    expect(lines).toContainEqual(expect.stringMatching(/larger than half of capture_budget_mb/));
  });

  it('are kept with clips that are being recorded, and no clip is removed if that gives no room', async () => {
    const { clip, folder, part, clock } = await capturing();
    for (let i = 0; i < 3; i += 1) {
      await clip(await images(3), []);
      clock.advance(5000);
    }
    await part.stop();
    const { bytes, clips } = await ClipStore.open(folder, 1 << 30, () => undefined);
    const store = await ClipStore.open(folder, bytes + 1000, () => undefined);
    const file = await store.create({ ...clips[0]!, clip: 'new', complete: false });
    await file.write(new Uint8Array(900));
    expect(await store.makeRoom(bytes + 200, 'other')).toBe(false);
    expect([store.clips.length, store.removed]).toEqual([3, 0]);
    expect(await store.makeRoom(50, 'other')).toBe(true);
    expect(store.removed).toBe(0);
    expect(await store.makeRoom(200, 'other')).toBe(true);
    expect(store.removed).toBe(1);
    await store.keep({ ...clips[0]!, clip: 'new', bytes: 900 });
    expect(await store.makeRoom(bytes + 1000, 'new')).toBe(false);
    expect(await store.makeRoom(bytes + 50, 'new')).toBe(true);
    expect(store.clips.map((it) => it.clip)).toEqual(['new']);
    await file.abandon();
  });

  it('are not spent twice on one thing: a policy gets the clip of the alarm, and nobody else does', async () => {
    const { part, deliver, reading } = await capturing();
    deliver((await images(1))[0]!);
    const drift = part.capture({ ...MANUAL, reason: 'drift', camera: 'front' });
    expect(drift).toHaveProperty('clip');
    const policy = { ...MANUAL, reason: 'policy', text: 'rule tell' } as const;
    expect(part.capture({ ...policy, camera: 'front' })).toEqual(drift);
    expect(part.capture({ ...policy, camera: 'nowhere' })).toMatchObject({ code: 'GOSHAWK_CAPTURE_REFUSED' });
    expect(part.capture({ ...MANUAL, camera: 'front' })).toMatchObject({ code: 'GOSHAWK_CAPTURE_REFUSED' });
    expect(reading().refused).toMatchObject({ busy: 1, unknown_camera: 1 });
  });

  it('allow so many clips an hour, and one of a camera at a time', async () => {
    const { clip, part, clock, deliver, reading } = await capturing({ clipsPerHour: 2 });
    const few = await images(2);
    deliver(few[0]!);
    expect(part.capture(MANUAL)).toHaveProperty('clip');
    expect(part.capture({ ...MANUAL, camera: 'front' })).toMatchObject({ code: 'GOSHAWK_CAPTURE_REFUSED' });
    expect(part.capture({ ...MANUAL, camera: 'rear' })).toMatchObject({ reason: /no such camera/ });
    clock.advance(5000);
    await part.settled();
    expect(await clip(few, [])).toHaveProperty('clip');
    clock.advance(5000);
    expect(await clip(few, [])).toMatchObject({
      reason: expect.stringMatching(/capture_clips_per_hour/) as string,
    });
    clock.advance(3_600_000);
    expect(await clip(few, [])).toHaveProperty('clip');
    expect(reading().refused).toMatchObject({ busy: 1, hourly_limit: 1, unknown_camera: 1 });
  });
});

describe('a disk that is full', () => {
  it('stops clips for a minute with a coded error, and nothing else', async () => {
    const { clip, part, clock, lines, folder, reading } = await capturing();
    const few = await images(3);
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const write = vi.spyOn(ClipFile.prototype, 'write').mockRejectedValue(full);
    await clip(few, []);
    write.mockRestore();
    expect(part.health()).toEqual([expect.stringMatching(/^GOSHAWK_CAPTURE_UNWRITABLE: .*ENOSPC/)]);
    expect(lines.filter((line) => line.includes('GOSHAWK_CAPTURE_UNWRITABLE'))).toHaveLength(1);
    expect(await readdir(folder)).toEqual(['requests']);
    clock.advance(5000);
    expect(part.capture(MANUAL)).toMatchObject({ code: 'GOSHAWK_CAPTURE_UNWRITABLE' });
    expect(reading()).toMatchObject({ refused: { disk: 1 }, clips: 0 });
    clock.advance(60_000);
    await part.look();
    expect([part.health(), reading().trouble]).toEqual([[], null]);
    expect(await clip(few, [])).toHaveProperty('clip');
    expect(reading().clips).toBe(1);
  });

  it('that fills while a clip is written leaves what was written of it', async () => {
    const { clip, reading, part, folder } = await capturing({ ringBytes: 300_000 });
    const { value: write } = Object.getOwnPropertyDescriptor(ClipFile.prototype, 'write') as {
      value: ClipFile['write'];
    };
    let left = 200_000;
    vi.spyOn(ClipFile.prototype, 'write').mockImplementation(async function (this: ClipFile, bytes) {
      left -= bytes.length;
      if (left < 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      await write.call(this, bytes);
    });
    await clip(await images(20), await images(11, 50));
    vi.restoreAllMocks();
    expect(reading()).toMatchObject({ clips: 1, recorded: { manual: 0 } });
    expect(part.health()).toHaveLength(1);
    const { record } = await onlyClip(folder);
    expect(Date.parse(record.end)).toBeGreaterThan(Date.parse(record.start));
    expect(record.missed).toBeGreaterThan(0);
    expect(reading().missed).toBe(record.missed);
  });

  it('is not what ends a clip by an error of another kind, which is counted and stops no other clip', async () => {
    const { clip, part, reading, lines } = await capturing();
    const few = await images(3);
    const write = vi.spyOn(ClipFile.prototype, 'write').mockRejectedValue(new TypeError('no such encoder'));
    await clip(few, []);
    write.mockRestore();
    expect(part.health()).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/GOSHAWK_INTERNAL: clip .*no such encoder/));
    expect(await clip(few, [])).toHaveProperty('clip');
    expect(reading()).toMatchObject({ clips: 1, refused: { failed: 1, disk: 0 } });
  });

  it('refuses to start on a folder that cannot be one', async () => {
    const folder = await temporaryFolder('capture');
    await writeFile(join(folder, 'file'), '');
    await expect(capturing({ folder: join(folder, 'file') })).rejects.toMatchObject({
      code: 'GOSHAWK_CAPTURE_UNWRITABLE',
    });
  });
});

describe('a capture folder whose content somebody removes', () => {
  it('is set up again for requests, and clips are recorded meanwhile', async () => {
    const { clip, part, folder } = await capturing();
    await rm(join(folder, 'requests'), { recursive: true });
    await part.look();
    expect(part.health()).toEqual([]);
    expect(await readdir(folder)).toEqual(['requests']);
    expect(await clip(await images(3), [])).toHaveProperty('clip');
  });

  it('and cannot be set up again is in health, logged once, and keeps no other clip from being recorded', async () => {
    const { clip, part, folder, lines } = await capturing();
    await rm(join(folder, 'requests'), { recursive: true });
    await writeFile(join(folder, 'requests'), '');
    for (let i = 0; i < 3; i += 1) await part.look();
    expect(part.health()).toEqual([expect.stringMatching(/^GOSHAWK_CAPTURE_REQUESTS: .*ENOTDIR/)]);
    expect(lines.filter((line) => line.includes('GOSHAWK_CAPTURE_REQUESTS'))).toHaveLength(1);
    expect(await clip(await images(3), [])).toHaveProperty('clip');
    await rm(join(folder, 'requests'));
    await part.look();
    expect(part.health()).toEqual([]);
  });
});

describe('what is on the disk at start', () => {
  it('is taken over, and what is not a clip is left alone', async () => {
    const first = await capturing();
    await first.clip(await images(3), []);
    await first.part.stop();
    await writeFile(join(first.folder, 'notes.json'), '{"mine": true}');
    await writeFile(join(first.folder, 'mine.mcap'), 'mine');
    const again = await capturing({ folder: first.folder });
    expect(again.reading()).toMatchObject({ clips: 1 });
    expect(again.lines).toEqual([expect.stringMatching(/notes is left alone/)]);
    expect(await readdir(first.folder)).toEqual(expect.arrayContaining(['notes.json', 'mine.mcap']));
  });
});

/** An image that is large enough for its memory to be freed at once. */
function wide(seed: number) {
  const { data } = noise(seed);
  const bytes = new Uint8Array(256 * 256 * 3);
  for (let at = 0; at < bytes.length; at += data.length)
    bytes.set(data.subarray(0, Math.min(data.length, bytes.length - at)), at);
  return { width: 256, height: 256, encoding: 'rgb8', step: 768, data: bytes } as const;
}

/** Frames that our own camera plays. */
async function played(path: string): Promise<number> {
  const camera = openCamera(`mcap:${path},loop=false`, { rate: 500 });
  let frames = 0;
  await new Promise<void>((resolve, reject) => {
    camera
      .start(
        () => (frames += 1),
        (error) => (error === undefined ? resolve() : reject(error as Error)),
      )
      .catch(reject);
  });
  const { unreadable, skipped } = camera.counters();
  expect([unreadable]).toEqual([0]);
  return frames + skipped;
}

async function firstImage(path: string): Promise<Buffer> {
  const recording = await McapRecording.open(path);
  for await (const item of recording.messages('/front/image/compressed')) {
    if ('damage' in item) break;
    const bytes = Buffer.from(item.data);
    await recording.close();
    return decode(bytes.subarray(bytes.indexOf(Buffer.from([0xff, 0xd8, 0xff]))));
  }
  return expect.unreachable('there is an image');
}

const decode = (jpeg: Uint8Array): Promise<Buffer> => sharp(Buffer.from(jpeg)).removeAlpha().raw().toBuffer();

/** Mean difference of neighbors in a region of an image of WIDTH x HEIGHT. */
function roughness(rgb: Buffer, x1: number, y1: number, x2: number, y2: number): number {
  expect(rgb.length).toBe(WIDTH * HEIGHT * 3);
  let sum = 0;
  for (let y = y1; y < y2; y += 1)
    for (let x = x1; x < x2; x += 1) {
      const at = (y * WIDTH + x) * 3;
      sum += Math.abs(rgb[at]! - rgb[at + 3]!);
    }
  return sum / ((x2 - x1) * (y2 - y1));
}
