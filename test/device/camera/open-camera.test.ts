import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CLEAR_DAY } from '../../../src/sim/drawing/conditions.ts';
import { renderFrame } from '../../sim/render-frame.ts';
import type { RefusalReason } from '../../../src/core/refusal.ts';
import { createWorld } from '../../../src/sim/world.ts';
import { openCamera, type CameraOptions } from '../../../src/device/camera/open-camera.ts';
import type { CameraCounters, CameraFrame } from '../../../src/device/camera/source.ts';
import { McapRecording } from '../../../src/device/recording/mcap-recording.ts';
import { encodeJpeg, encodePng } from '../../../src/device/imaging/encode-image.ts';
import { FakeClock } from '../pipeline/fakes.ts';
import { writeRecording, type TopicPlan } from './recording.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'goshawk-camera-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

interface Collected {
  readonly frames: CameraFrame[];
  readonly counters: CameraCounters;
  readonly end: unknown;
  readonly unreadable: (readonly [RefusalReason, string])[];
  readonly notices: string[];
  readonly description: string;
}

/** The first `count` frames of a camera, or all if it ends earlier. */
async function collect(spec: string, count: number, options: CameraOptions = {}): Promise<Collected> {
  const camera = openCamera(spec, spec.startsWith('mcap:') ? options : { rate: 200, ...options });
  const frames: CameraFrame[] = [];
  const unreadable: (readonly [RefusalReason, string])[] = [];
  const notices: string[] = [];
  const alive = setInterval(() => undefined, 1000);
  const end = await new Promise<unknown>((done, fail) => {
    camera
      .start(
        (frame) => {
          frames.push(frame);
          if (frames.length === count) done('enough');
        },
        (error) => done(error),
        {
          onUnreadable: (reason, detail) => unreadable.push([reason, detail]),
          onNotice: (message) => notices.push(message),
        },
      )
      .catch(fail);
  }).finally(() => clearInterval(alive));
  await camera.stop();
  return { frames, counters: camera.counters(), end, unreadable, notices, description: camera.description };
}

function plain(width: number, height: number, value: number): Uint8Array {
  return new Uint8Array(width * height * 3).fill(value);
}

describe('sim', () => {
  it('shows the world of its seed frame by frame, with matching boxes', async () => {
    const { frames } = await collect('sim:seed=7,fog=0.3', 3, { rate: 50, width: 160, height: 96 });
    frames.forEach(({ image, groundTruth, frameId }, index) => {
      const world = createWorld(7);
      const expected = renderFrame(world, index / 50, 160, 96, { ...CLEAR_DAY, fog: 0.3 });
      expect(image).toMatchObject({ width: 160, height: 96, encoding: 'rgb8', step: 480 });
      expect(Buffer.compare(image.data, expected.rgb)).toBe(0);
      expect(groundTruth).toEqual(
        expected.objects.map(({ label, box, visible }) => ({ label, box, visible })),
      );
      expect(frameId).toBe('camera');
    });
  });

  it('repeats a loop in memory owned by the receiver', async () => {
    const { frames } = await collect('sim:loop=2', 5, { width: 64, height: 48 });
    const [a, b, c] = frames.map(({ image }) => image.data);
    expect(Buffer.compare(a!, b!)).not.toBe(0);
    expect(Buffer.compare(a!, c!)).toBe(0);
    expect(a!.buffer).not.toBe(c!.buffer);
  });
});

describe('dir', () => {
  beforeEach(async () => {
    await mkdir(join(root, 'in'));
    await writeFile(join(root, 'in', 'b.png'), await encodePng(plain(8, 4, 200), 8, 4));
    await writeFile(join(root, 'in', 'a.jpg'), await encodeJpeg(plain(16, 8, 100), 16, 8, 95));
    await writeFile(join(root, 'in', 'notes.txt'), 'no image');
  });

  it('shows the images in the order of their names, in a loop', async () => {
    const { frames } = await collect(`dir:${join(root, 'in')}`, 3);
    expect(
      frames.map(({ image }) => 'width' in image && [image.width, image.height, image.encoding]),
    ).toEqual([
      [16, 8, 'rgb8'],
      [8, 4, 'rgb8'],
      [16, 8, 'rgb8'],
    ]);
    expect(frames[1]!.image.data.every((value) => value === 200)).toBe(true);
  });

  it('passes files on unchanged on request', async () => {
    const { frames } = await collect(`dir:${join(root, 'in')}`, 2, { compressed: true });
    expect(frames.map(({ image }) => 'format' in image && image.format)).toEqual(['jpeg', 'png']);
  });

  it('scales images to fit the requested size', async () => {
    const { frames } = await collect(`dir:${join(root, 'in')}`, 2, { width: 16, height: 16 });
    const { image } = frames[1]!;
    expect(image).toMatchObject({ width: 16, height: 16 });
    expect([image.data[0], image.data[(8 * 16 + 8) * 3]]).toEqual([0, 200]);
  });

  it('skips and counts files that do not decode', async () => {
    await writeFile(join(root, 'in', 'aa.jpg'), 'not a JPEG');
    await writeFile(join(root, 'in', 'ab.png'), (await encodePng(plain(8, 4, 9), 8, 4)).subarray(0, 40));
    const { frames, counters } = await collect(`dir:${join(root, 'in')}`, 2);
    expect(frames).toHaveLength(2);
    expect(counters.unreadable).toBeGreaterThanOrEqual(2);
  });

  it('refuses a folder that is missing, empty, or has only broken files', async () => {
    await mkdir(join(root, 'empty'));
    await mkdir(join(root, 'broken'));
    await writeFile(join(root, 'broken', 'a.png'), 'x');
    for (const name of ['away', 'empty', 'broken']) {
      await expect(collect(`dir:${join(root, name)}`, 1)).rejects.toMatchObject({
        code: 'GOSHAWK_CAMERA_UNUSABLE',
      });
    }
  });
});

describe('mcap', () => {
  const front: TopicPlan = { topic: '/front/image_raw', frames: 4, periodMs: 20 };
  const once = { loop: false } as const;

  it.each(['none', 'zstd', 'lz4'] as const)(
    'shows a recording of raw images (compression: %s)',
    async (compression) => {
      const file = join(root, 'run.mcap');
      await writeRecording(file, { compression, topics: [front] });
      const { frames, counters, end } = await collect(`mcap:${file}`, 99, once);
      expect(end).toBeUndefined();
      expect(frames.length + counters.skipped).toBe(4);
      expect(frames[0]!.image).toMatchObject({ width: 4, height: 2, encoding: 'rgb8', step: 12 });
      // a busy machine may skip turns, but never repeats or reorders
      const shown = frames.map(({ image }) => image.data[0]!);
      expect(shown).toEqual([10, 11, 12, 13].filter((value) => shown.includes(value)));
    },
  );

  it('shows images that were compressed individually', async () => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { topics: [front], messageZstd: true });
    const { frames, counters } = await collect(`mcap:${file},loop=false`, 99);
    expect(frames.length + counters.skipped).toBe(4);
    expect(counters.unreadable).toBe(0);
    expect(frames[0]!.image.data).toEqual(new Uint8Array(24).fill(10));
  });

  it('shows a recording that names no profile, as Foxglove exports them', async () => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { topics: [front], profile: '' });
    const { frames, counters } = await collect(`mcap:${file}`, 99, once);
    expect(frames.length + counters.skipped).toBe(4);
  });

  it('restarts at the end, unless its name disables it', async () => {
    const file = join(root, 'a,b=c.mcap');
    await writeRecording(file, { topics: [{ ...front, frames: 2, periodMs: 5 }] });
    expect((await collect(`mcap:${file}`, 5)).frames).toHaveLength(5);
    const { frames, counters, end } = await collect(`mcap:${file},loop=false`, 5);
    expect(end).toBeUndefined();
    expect(frames.length + counters.skipped).toBe(2);
  });

  it('plays its topic at the requested rate, whatever the rest of the recording covers', async () => {
    const clock = new FakeClock();
    const file = join(root, 'run.mcap');
    const rear = { topic: '/rear/image_raw', frames: 5, periodMs: 2500 };
    await writeRecording(file, { topics: [{ ...front, frames: 6, periodMs: 100, startMs: 4000 }, rear] });
    const times: number[] = [];
    const spec = `mcap:${file},topic=/front/image_raw,loop=false`;
    const camera = openCamera(spec, { rate: 50, clock });
    const origin = clock.monotonicMs();
    await camera.start(() => times.push(clock.monotonicMs() - origin));
    for (let ms = 0; ms < 200; ms += 1) {
      clock.advance(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await camera.stop();
    expect(camera.counters()).toEqual({ delivered: 6, skipped: 0, unreadable: 0 });
    times.forEach((time, turn) => expect(Math.abs(time - turn * 20)).toBeLessThanOrEqual(5));
  });

  it('reads compressed images from a named topic', async () => {
    const file = join(root, 'run.mcap');
    const jpeg = await encodeJpeg(plain(16, 8, 100), 16, 8, 95);
    const rear = { topic: '/rear/image_raw/compressed', frames: 2, periodMs: 5, jpeg };
    await writeRecording(file, { compression: 'zstd', topics: [front, rear] });
    const { frames } = await collect(`mcap:${file},topic=/rear/image_raw/compressed`, 2);
    expect(frames[0]!.image).toMatchObject({ format: 'jpeg', data: jpeg });
    const topic = '/rear/image_raw/compressed';
    const decoded = await collect(`mcap:${file}`, 1, { topic, width: 8, height: 4 });
    expect(decoded.frames[0]!.image).toMatchObject({ width: 8, height: 4, encoding: 'rgb8' });
  });

  it('inspects no images before it plays a named topic', async () => {
    const file = join(root, 'named.mcap');
    await writeRecording(file, { topics: [front, { ...front, topic: '/rear/image_raw' }] });
    const messages = vi.spyOn(McapRecording.prototype, 'messages');
    await collect(`mcap:${file},topic=/rear/image_raw,loop=false`, 2);
    expect(messages.mock.calls).toEqual([['/rear/image_raw']]);
    messages.mockRestore();
  });

  it('prefers a topic in color, and lists the topics', async () => {
    const file = join(root, 'run.mcap');
    const topics: TopicPlan[] = [
      { ...front, topic: '/camera/aligned_depth_to_color/image_raw', encoding: '16UC1' },
      { ...front, topic: '/camera/infra1/image_rect_raw', encoding: 'mono8' },
      { ...front, topic: '/camera/stereo/image_raw' },
      { ...front, topic: '/camera/annotated' },
    ];
    await writeRecording(file, { topics });
    const { notices, description, frames } = await collect(`mcap:${file}`, 1);
    expect(frames[0]!.image).toMatchObject({ encoding: 'rgb8' });
    expect(description).toBe(`recording ${file} /camera/stereo/image_raw`);
    expect(notices).toHaveLength(1);
    for (const { topic } of topics) expect(notices[0]).toContain(`${topic} (`);
    expect(notices[0]).toMatch(/aligned_depth_to_color\/image_raw \(not read: encoding "16UC1"/);
  });

  it('skips messages that do not parse, and reports each', async () => {
    const file = join(root, 'run.mcap');
    const broken = (index: number): boolean => index % 3 === 0;
    await writeRecording(file, { topics: [{ ...front, frames: 9, broken }] });
    const { frames, counters, unreadable } = await collect(`mcap:${file}`, 99, once);
    expect(counters.unreadable).toBe(3);
    expect(frames.length + counters.skipped).toBe(6);
    expect(unreadable.map(([reason]) => reason)).toEqual(['malformed', 'malformed', 'malformed']);
  });

  it.each([true, false])('names the cause if none of its images can be read (loop: %s)', async (loop) => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { topics: [{ ...front, encoding: '16UC1' }] });
    await expect(collect(`mcap:${file}`, 1, { loop })).rejects.toThrow(
      /none of the images of \/front\/image_raw can be read: encoding "16UC1" has channels wider than 8 bits/,
    );
  });

  it('refuses files that are not usable recordings', async () => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { topics: [front] });
    await expect(collect(`mcap:${file}`, 1, { topic: '/other' })).rejects.toThrow(
      'it has no image topic /other; it has /front/image_raw (color, 4 messages)',
    );
    const ros1 = join(root, 'ros1.mcap');
    await writeRecording(ros1, { topics: [front], profile: 'ros1', messageEncoding: 'ros1' });
    await expect(collect(`mcap:${ros1}`, 1)).rejects.toThrow(
      /sensor_msgs\/msg\/Image, ros1\); .*rosbags-convert/,
    );
    const other = join(root, 'json.mcap');
    await writeRecording(other, { topics: [front], profile: '', messageEncoding: 'json' });
    await expect(collect(`mcap:${other}`, 1)).rejects.toThrow('Image and CompressedImage in CDR');
    const empty = join(root, 'empty.mcap');
    await writeFile(empty, '');
    for (const name of [empty, join(root, 'away.mcap'), '/dev/null']) {
      await expect(collect(`mcap:${name}`, 1)).rejects.toMatchObject({ code: 'GOSHAWK_CAMERA_UNUSABLE' });
    }
  });
});

describe('openCamera refuses', () => {
  it.each([
    '',
    'webcam',
    'dir',
    'dir:',
    'mcap:',
    'mcap:,topic=/x',
    'mcap:run.mcap,topic=',
    'mcap:run.mcap,loop=2',
    'sim:seed',
    'sim:seed=x',
    'sim:seed=1.5',
    'sim:fog=2',
    'sim:haze=1',
    'sim:loop=0',
  ])('the camera "%s"', (spec) => {
    expect(() => openCamera(spec)).toThrowError(expect.objectContaining({ code: 'GOSHAWK_CAMERA_SPEC' }));
  });

  it.each<CameraOptions>([
    { rate: 0 },
    { rate: Number.NaN },
    { rate: 5000 },
    { width: 640 },
    { width: 640, height: 0 },
    { width: 9000, height: 10 },
    { width: 16, height: 16 },
  ])('the options %o', (options) => {
    expect(() => openCamera('sim', options)).toThrowError(
      expect.objectContaining({ code: 'GOSHAWK_PARAMETER_INVALID' }),
    );
  });
});
