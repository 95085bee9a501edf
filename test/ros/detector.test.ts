import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { runReportSchema, type RunReport } from '../../src/contract/report.ts';
import { CLEAR_DAY } from '../../src/sim/drawing/conditions.ts';
import { renderSample } from '../../src/sim/sample.ts';
import { SceneRenderer } from '../../src/sim/scene.ts';
import { childrenOf, jsonLines, RosBench, type RosProcess } from './support/ros-process.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { importYolox, somePhotograph } from './support/test-bundle.ts';
import { describeWith, itWith, ROS, YOLOX } from '../support/needs.ts';

const bundle = shippedBundle();

const TOPIC = '/front/image_raw';
const RESULTS = '/front/detections';

describeWith(ROS, 'the detector node', () => {
  const bench = new RosBench(2);
  let folder: string;
  const running: RosProcess[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-detector-'));
  });
  afterEach(async () => {
    for (const process of running.splice(0)) await process.stop();
  });
  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  async function startDetector(parameters: Readonly<Record<string, string>> = {}): Promise<RosProcess> {
    const detector = bench.node('detector', { bundle: bundle, image_topics: `["${TOPIC}"]`, ...parameters });
    running.push(detector);
    await detector.waitFor(/the detector is active/, 60);
    return detector;
  }

  async function startCamera(...args: readonly string[]): Promise<RosProcess> {
    const camera = bench.peer('raw_camera.py', '--topic', TOPIC, ...args);
    running.push(camera);
    await camera.waitFor(/publishing/);
    return camera;
  }

  async function listen(topic: string, count: number): Promise<Record<string, unknown>[]> {
    const probe = bench.peer('detection_probe.py', '--topic', topic, '--count', String(count));
    await probe.exit;
    return jsonLines(probe.output);
  }

  function readReport(name: string): RunReport {
    return runReportSchema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
  }

  it('answers every frame with the image’s own header, in the bytes that rclpy would write', async () => {
    await startDetector();
    await startCamera('--frame-id', 'front_optical', '--rate', '10');
    const messages = await listen(RESULTS, 5);
    expect(messages.at(-1)).toEqual({ received: 5 });
    const stamps = messages.slice(0, 5).map((message) => {
      expect(message).toMatchObject({ frame_id: 'front_optical', same_bytes: true });
      return (message['stamp'] as [number, number]).join('.');
    });
    expect(new Set(stamps).size).toBe(5);
  });

  it('finds the objects of a street, by name and in its pixels', async () => {
    const [width, height] = [640, 360];
    const data = new Uint8Array(width * height * 3);
    // from no data set in the documents; everything large and complete must be found
    const scene = renderSample(new SceneRenderer(width, height), 980_001, 3, CLEAR_DAY, data);
    const objects = scene.objects.filter(
      ({ visible, box: [x1, y1, x2, y2] }) => visible > 0.8 && (x2 - x1) * (y2 - y1) > 32 ** 2,
    );
    const file = join(folder, 'street.rgb');
    writeFileSync(file, data);
    await startDetector();
    await startCamera('--file', file, '--width', String(width), '--height', String(height));
    const [message] = await listen(RESULTS, 1);
    const detections = message!['detections'] as { class_id: string; box: number[] }[];
    const found = objects.filter(({ label, box: [x1, y1, x2, y2] }) =>
      detections.some(({ class_id: name, box }) => {
        const [x, y, w, h] = box as [number, number, number, number];
        const common =
          Math.max(0, Math.min(x2, x + w / 2) - Math.max(x1, x - w / 2)) *
          Math.max(0, Math.min(y2, y + h / 2) - Math.max(y1, y - h / 2));
        return name === label && common / (w * h + (x2 - x1) * (y2 - y1) - common) > 0.5;
      }),
    );
    expect(objects.length).toBeGreaterThanOrEqual(2);
    expect(found).toEqual(objects);
  });

  itWith(YOLOX, 'finds people in a photograph, by name and in its pixels', async () => {
    const { default: sharp } = await import('sharp');
    const { data, info } = await sharp(somePhotograph())
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const file = join(folder, 'photograph.rgb');
    writeFileSync(file, data);
    await startDetector({ bundle: await importYolox(), tracking: 'true' });
    await startCamera('--file', file, '--width', String(info.width), '--height', String(info.height));
    const messages = (await listen(RESULTS, 6)).slice(0, 6);
    for (const message of messages) {
      expect(message['same_bytes']).toBe(true);
      const detections = message['detections'] as { class_id: string; score: number; box: number[] }[];
      expect(detections.some(({ class_id }) => class_id === 'person')).toBe(true);
      for (const { box, score } of detections) {
        const [x, y, width, height] = box as [number, number, number, number];
        expect(score).toBeGreaterThan(0);
        expect(x - width / 2).toBeGreaterThanOrEqual(-0.01);
        expect(y - height / 2).toBeGreaterThanOrEqual(-0.01);
        expect(x + width / 2).toBeLessThanOrEqual(info.width + 0.01);
        expect(y + height / 2).toBeLessThanOrEqual(info.height + 0.01);
      }
    }
    const last = messages.at(-1)!['detections'] as { id: string }[];
    expect(last.some(({ id }) => /^[1-9]\d*$/.test(id))).toBe(true);
  });

  it('publishes an empty array if nothing is found', async () => {
    await startDetector({ score_threshold: '1.0' });
    await startCamera();
    const messages = await listen(RESULTS, 3);
    for (const message of messages.slice(0, 3)) expect(message['detections']).toEqual([]);
  });

  it('counts broken images by reason and continues', async () => {
    const detector = await startDetector({ reliability: 'reliable', report_file: join(folder, 'bad.json') });
    const bad = bench.peer('bad_images.py', '--topic', TOPIC, '--rounds', '3');
    await bad.exit;
    const [sent] = jsonLines(bad.output) as { bad: number; good: number }[];
    expect(sent).toEqual({ bad: 39, good: 10 });
    expect(await detector.stop('SIGTERM')).toBe(0);
    const { frames } = readReport('bad.json');
    const dropped = Object.values(frames.drops).reduce((sum, count) => sum + count, 0);
    expect(frames.received).toBe(frames.published + dropped);
    expect(frames.received).toBe(sent!.bad + sent!.good);
    expect(frames.drops).toMatchObject({
      malformed: expect.any(Number) as number,
      bad_size: expect.any(Number) as number,
      unsupported_encoding: expect.any(Number) as number,
    });
    expect(frames.published).toBeGreaterThan(0);
  });

  it('explains that a reliable subscription gets nothing from a best-effort camera', async () => {
    const detector = await startDetector({ reliability: 'reliable' });
    await startCamera('--reliability', 'best_effort');
    await detector.waitFor(/QoS mismatch on \/front\/image_raw: \/raw_camera offers best_effort/);
    await detector.waitFor(/no frame on \/front\/image_raw for \d+ s: see the mismatch above/);
  });

  it('reports that nobody publishes, that a camera has the wrong type, and when it is resolved', async () => {
    const detector = await startDetector({ silent_after_s: '1.0' });
    await detector.waitFor(/no frame on \/front\/image_raw for \d+ s: nobody publishes it/);
    await startCamera();
    await detector.waitFor(/resolved: no frame on \/front\/image_raw/);
    const other = await startDetector({ image_type: 'compressed' });
    await other.waitFor(/publishes \/front\/image_raw as sensor_msgs\/msg\/Image, this node expects/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with code 0 at %s while frames flow', async (signal) => {
    const detector = await startDetector({ report_file: join(folder, `${signal}.json`) });
    await startCamera('--rate', '30');
    await listen(RESULTS, 3);
    expect(await detector.stop(signal)).toBe(0);
    const { frames, bundle: ran } = readReport(`${signal}.json`);
    const dropped = Object.values(frames.drops).reduce((sum, count) => sum + count, 0);
    expect(frames.received).toBe(frames.published + dropped);
    expect(frames.published).toBeGreaterThanOrEqual(3);
    expect(ran.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(detector.output).not.toMatch(/still open at exit/);
  });

  it.each([5, 50])('exits with code 0 under signals every %i ms until it is gone', async (ms) => {
    const detector = await startDetector({ report_file: join(folder, 'again.json') });
    await startCamera('--rate', '30');
    await listen(RESULTS, 3);
    const again = setInterval(() => {
      if (detector.isRunning) process.kill(detector.pid, 'SIGINT');
    }, ms);
    expect(await detector.stop('SIGINT')).toBe(0);
    clearInterval(again);
    expect(readReport('again.json').frames.published).toBeGreaterThanOrEqual(3);
  });

  it('explains itself at log level debug: transitions, variants, runners and sizing', async () => {
    const parameters = { bundle: bundle, image_topics: `["${TOPIC}"]` };
    const detector = bench.node('detector', parameters, '--log-level', 'debug');
    running.push(detector);
    await detector.waitFor(/goshawk:lifecycle activate ended: transition_success/, 60);
    expect(detector.output).toMatch(/\[DEBUG\] .*goshawk:lifecycle configure begins/);
    expect(detector.output).toMatch(/goshawk:inference runner \(\w+[ 0-9]*\) is ready/);
    expect(detector.output).toMatch(/goshawk:sizing \d+ cores; stored: /);
  });

  it('exits with code 0 on a signal while the model is still loading', async () => {
    const detector = bench.node('detector', { bundle: bundle });
    running.push(detector);
    await detector.waitFor(/./);
    expect(await detector.stop('SIGTERM')).toBe(0);
  });

  it('reports a page whose port is in use and a broker whose address is invalid, and continues', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const detector = await startDetector({ http_port: String(port), telemetry: 'broker' });
    expect(detector.output).toMatch(new RegExp(`GOSHAWK_PORT_IN_USE: port ${String(port)} on 127.0.0.1`));
    expect(detector.output).toMatch(/GOSHAWK_PARAMETER_INVALID: parameter telemetry/);
    await startCamera();
    expect((await listen(RESULTS, 2)).at(-1)).toEqual({ received: 2 });
    other.close();
  });

  it('serves several cameras, each on its own topics', async () => {
    await startDetector({ image_topics: `["${TOPIC}", "/rear/image_raw"]` });
    await startCamera('--frame-id', 'front_optical');
    const rear = bench.peer('raw_camera.py', '--topic', '/rear/image_raw', '--frame-id', 'rear_optical');
    running.push(rear);
    const heard = await Promise.all([listen(RESULTS, 3), listen('/rear/detections', 3)]);
    expect(heard.map((messages) => messages.map(({ frame_id: id }) => id).slice(0, 3))).toEqual([
      ['front_optical', 'front_optical', 'front_optical'],
      ['rear_optical', 'rear_optical', 'rear_optical'],
    ]);
  });

  it('recovers by itself when the process that runs the model is killed', async () => {
    const detector = await startDetector({ engine: 'child', report_file: join(folder, 'child.json') });
    await startCamera('--rate', '10');
    await listen(RESULTS, 2);
    process.kill(childrenOf(detector.pid)[0]!, 'SIGSEGV');
    await detector.waitFor(/the runner is back/);
    expect((await listen(RESULTS, 3)).at(-1)).toEqual({ received: 3 });
    expect(await detector.stop('SIGTERM'), detector.output).toBe(0);
    const { frames } = readReport('child.json');
    const dropped = Object.values(frames.drops).reduce((sum, count) => sum + count, 0);
    expect(frames.received).toBe(frames.published + dropped);
    // recovered before any waiting frame was given up: only the frames in flight there are lost
    expect(detector.output).not.toMatch(/GOSHAWK_ENGINE_TIMEOUT/);
    expect(frames.drops['engine_lost'] ?? 0).toBeLessThanOrEqual(2);
  });

  it('refuses a missing bundle with a code, and keeps running', async () => {
    const detector = bench.node('detector', { bundle: 'no-such-bundle' });
    running.push(detector);
    await detector.waitFor(/configure failed: GOSHAWK_BUNDLE_NOT_FOUND/);
    expect(detector.isRunning).toBe(true);
    expect(await detector.stop()).toBe(0);
  });
});
