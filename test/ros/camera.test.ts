import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SCENE_LABELS } from '../../src/sim/labels.ts';
import { encodeJpeg } from '../../src/device/imaging/encode-image.ts';
import { statusSchema } from '../../src/contract/status.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { writeRecording } from '../device/camera/recording.ts';
import { jsonLines, RosBench, type RosProcess } from './support/ros-process.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { describeWith, ROS } from '../support/needs.ts';

const bundle = shippedBundle();

describeWith(ROS, 'the camera node', () => {
  const bench = new RosBench(4);
  let folder: string;
  const running: RosProcess[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-camera-'));
  });
  afterEach(async () => {
    for (const process of running.splice(0)) await process.stop();
  });
  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  /** A folder and a recording of images, without ground truth. */
  async function makeSources(): Promise<Record<string, string>> {
    const pictures = join(folder, 'pictures');
    mkdirSync(pictures, { recursive: true });
    const pixels = new Uint8Array(96 * 64 * 3).fill(90);
    for (const name of ['a.jpg', 'b.jpg'])
      writeFileSync(join(pictures, name), await encodeJpeg(pixels, 96, 64, 90));
    const recording = join(folder, 'drive.mcap');
    await writeRecording(recording, {
      compression: 'zstd',
      topics: [{ topic: '/front/image_raw', frames: 20, periodMs: 50 }],
    });
    return { dir: `dir:${pictures}`, mcap: `mcap:${recording}` };
  }

  async function startCamera(parameters: Readonly<Record<string, string>>): Promise<RosProcess> {
    const camera = bench.node('camera', { rate: '10.0', width: '320', height: '180', ...parameters });
    running.push(camera);
    await camera.waitFor(/publishing /, 60);
    return camera;
  }

  it('publishes the simulator with ground-truth boxes, and writes every stamp', async () => {
    const stampsFile = join(folder, 'stamps.json');
    const camera = await startCamera({ source: 'sim:seed=3', loop_frames: '20', stamps_file: stampsFile });
    const probe = bench.peer('detection_probe.py', '--topic', '/camera/ground_truth', '--count', '5');
    await probe.exit;
    const messages = jsonLines(probe.output);
    expect(messages.at(-1)).toEqual({ received: 5 });
    expect(await camera.stop()).toBe(0);
    const stamps = JSON.parse(readFileSync(stampsFile, 'utf8')) as number[];
    expect(stamps).toEqual([...stamps].sort((a, b) => a - b));
    for (const message of messages.slice(0, 5)) {
      const [sec, nanosec] = message['stamp'] as [number, number];
      expect(stamps.some((stamp) => Math.abs(stamp - sec - nanosec * 1e-9) < 1e-6)).toBe(true);
      expect(message).toMatchObject({ same_bytes: true, frame_id: 'camera' });
      for (const { class_id } of message['detections'] as { class_id: string }[]) {
        expect(SCENE_LABELS).toContain(class_id);
      }
    }
  });

  it.each([
    ['raw', 'false', '/camera/image_raw'],
    ['compressed', 'true', '/camera/image_raw/compressed'],
  ])(
    'reaches the detector, which evaluates itself by the ground truth: %s',
    async (_name, compressed, topic) => {
      await startCamera({ compressed });
      const port = await freePort();
      const detector = bench.node('detector', {
        ...{ bundle: bundle, image_topics: `["${topic}"]` },
        ...{ labels_topic: 'ground_truth', http_port: String(port) },
      });
      running.push(detector);
      const probe = bench.peer('detection_probe.py', '--topic', '/camera/detections', '--count', '4');
      await probe.exit;
      expect(jsonLines(probe.output).at(-1)).toEqual({ received: 4 });
      expect(jsonLines(probe.output)[0]).toMatchObject({ frame_id: 'camera' });
      const labeledFrames = async (): Promise<number> => {
        const answer = await fetch(`http://127.0.0.1:${port}/api/status`);
        return statusSchema.parse(await answer.json()).labeled?.['camera']?.frames ?? 0;
      };
      await expect.poll(labeledFrames, { timeout: 60_000 }).toBeGreaterThan(0);
    },
  );

  it.each([
    ['dir', { rate: '5.0' }, 'camera'],
    ['mcap', { width: '0', height: '0', rate: '0.0' }, 'front'],
  ] as const)('plays %s in a loop, and reaches the detector', async (kind, more, frameId) => {
    const sources = await makeSources();
    await startCamera({ source: sources[kind]!, ...more, frame_id: frameId });
    const detector = bench.node('detector', { bundle: bundle });
    running.push(detector);
    const probe = bench.peer('detection_probe.py', '--topic', '/camera/detections', '--count', '25');
    await probe.exit;
    expect(jsonLines(probe.output).at(-1)).toEqual({ received: 25 });
    expect(jsonLines(probe.output)[0]).toMatchObject({ frame_id: frameId });
  });

  it.each([
    ['dir:/no/such/folder', /GOSHAWK_/],
    ['webcam:0', /GOSHAWK_CAMERA_SPEC/],
  ])('ends with code 1 and a coded error for %s', async (source, message) => {
    const camera = bench.node('camera', { source });
    expect((await camera.exit).code).toBe(1);
    expect(camera.output).toMatch(message);
  });
});
