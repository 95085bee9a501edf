import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLEAR_DAY } from '../../../src/core/scene/conditions.ts';
import { renderFrame } from '../../../src/core/scene/scene.ts';
import { createWorld } from '../../../src/core/scene/world.ts';
import { openCamera, type CameraOptions } from '../../../src/device/camera/open-camera.ts';
import type { CameraCounters, CameraFrame } from '../../../src/device/camera/source.ts';
import { encodeJpeg, encodePng } from '../../../src/device/pipeline/encode-image.ts';
import { writeRecording } from './recording.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'goshawk-camera-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** The first `count` frames of a camera, or those before its end. */
async function collect(
  spec: string,
  count: number,
  options: CameraOptions = {},
): Promise<{ frames: CameraFrame[]; counters: CameraCounters; end: unknown }> {
  const camera = openCamera(spec, { rate: 200, ...options });
  const frames: CameraFrame[] = [];
  const alive = setInterval(() => undefined, 1000);
  const end = await new Promise<unknown>((done, fail) => {
    camera
      .start(
        (frame) => {
          frames.push(frame);
          if (frames.length === count) done('enough');
        },
        (error) => done(error),
      )
      .catch(fail);
  }).finally(() => clearInterval(alive));
  await camera.stop();
  return { frames, counters: camera.counters(), end };
}

function plain(width: number, height: number, value: number): Uint8Array {
  return new Uint8Array(width * height * 3).fill(value);
}

describe('sim', () => {
  it('shows the world of its seed frame by frame, with the boxes that belong to it', async () => {
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

  it("repeats a loop in memory that is the receiver's", async () => {
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
    await writeFile(join(root, 'in', 'notes.txt'), 'no picture');
  });

  it('shows the pictures in the order of their names, over and over', async () => {
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

  it('hands files on as they are when asked to', async () => {
    const { frames } = await collect(`dir:${join(root, 'in')}`, 2, { compressed: true });
    expect(frames.map(({ image }) => 'format' in image && image.format)).toEqual(['jpeg', 'png']);
  });

  it('fits pictures into the size asked for', async () => {
    const { frames } = await collect(`dir:${join(root, 'in')}`, 2, { width: 16, height: 16 });
    const { image } = frames[1]!;
    expect(image).toMatchObject({ width: 16, height: 16 });
    expect([image.data[0], image.data[(8 * 16 + 8) * 3]]).toEqual([0, 200]);
  });

  it('passes over what does not decode, and counts it', async () => {
    await writeFile(join(root, 'in', 'aa.jpg'), 'not a JPEG');
    await writeFile(join(root, 'in', 'ab.png'), (await encodePng(plain(8, 4, 9), 8, 4)).subarray(0, 40));
    const { frames, counters } = await collect(`dir:${join(root, 'in')}`, 2);
    expect(frames).toHaveLength(2);
    expect(counters.unreadable).toBeGreaterThanOrEqual(2);
  });

  it('refuses a folder that is away, empty, or all broken', async () => {
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
  it.each(['none', 'zstd', 'lz4'] as const)(
    'shows a recording of raw images (compression: %s)',
    async (compression) => {
      const file = join(root, 'run.mcap');
      await writeRecording(file, { compression, frames: 4, periodMs: 20 });
      const { frames, counters, end } = await collect(`mcap:${file}`, 99, { loop: false });
      expect(end).toBeUndefined();
      expect(frames.length + counters.skipped).toBe(4);
      expect(frames[0]!.image).toMatchObject({ width: 4, height: 2, encoding: 'rgb8', step: 12 });
      // a busy machine may skip turns, never repeat or reorder
      const shown = frames.map(({ image }) => image.data[0]!);
      expect(shown).toEqual([10, 11, 12, 13].filter((value) => shown.includes(value)));
    },
  );

  it('begins again at the end', async () => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { compression: 'none', frames: 2, periodMs: 5 });
    const { frames } = await collect(`mcap:${file}`, 5);
    expect(frames).toHaveLength(5);
  });

  it('reads compressed images from the topic that was named', async () => {
    const file = join(root, 'run.mcap');
    const jpeg = await encodeJpeg(plain(16, 8, 100), 16, 8, 95);
    await writeRecording(file, { compression: 'zstd', frames: 2, periodMs: 5, jpeg });
    const { frames } = await collect(`mcap:${file}`, 2, { topic: '/rear/image_raw/compressed' });
    expect(frames[0]!.image).toEqual({ format: 'jpeg', data: jpeg });
    const decoded = await collect(`mcap:${file}`, 1, {
      topic: '/rear/image_raw/compressed',
      width: 8,
      height: 4,
    });
    expect(decoded.frames[0]!.image).toMatchObject({ width: 8, height: 4, encoding: 'rgb8' });
  });

  it('passes over messages that do not parse, and counts them', async () => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { compression: 'none', frames: 3, periodMs: 5, brokenAt: 1 });
    const { frames, counters } = await collect(`mcap:${file}`, 99, { loop: false });
    expect(counters.unreadable).toBe(1);
    expect(frames.length + counters.skipped).toBe(2);
  });

  it('refuses what is no recording for it', async () => {
    const file = join(root, 'run.mcap');
    await writeRecording(file, { compression: 'none', frames: 2, periodMs: 5 });
    await expect(collect(`mcap:${file}`, 1, { topic: '/other' })).rejects.toThrow('it has /front/image_raw');
    const ros1 = join(root, 'ros1.mcap');
    await writeRecording(ros1, { compression: 'none', frames: 2, periodMs: 5, profile: 'ros1' });
    await expect(collect(`mcap:${ros1}`, 1)).rejects.toThrow('its profile is "ros1"');
    const empty = join(root, 'empty.mcap');
    await writeFile(empty, '');
    for (const name of [empty, join(root, 'away.mcap'), root]) {
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
