import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';
import { payloadSchemaOf, type StreamPayload } from '../../src/contract/telemetry/payloads.ts';
import { mergeCameras, type CameraDrift } from '../../src/core/drift/camera-drift.ts';
import { FEATURE_NAMES, FEATURES } from '../../src/core/drift/features.ts';
import { countOf } from '../../src/core/edge-histogram.ts';
import { summaryOf } from '../../src/core/drift/summary.ts';
import { MOSQUITTO, Mosquitto } from '../support/mosquitto.ts';
import { describeWith } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { messagesOf } from '../support/telemetry-messages.ts';

/** Whether both cameras saw objects that the simulator knows. */
const isFull = ({ cameras }: StreamPayload<'drift'>): boolean =>
  cameras.length === 2 && cameras.every(({ labeled }) => labeled !== undefined && labeled.objects > 0);

describeWith(MOSQUITTO, 'goshawk run with a clear and a foggy camera', () => {
  const schema = payloadSchemaOf('drift');
  const sizes: number[] = [];
  const windows: StreamPayload<'drift'>[] = [];
  let folder = '';
  let published = 0;
  let cameras: readonly CameraDrift[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-drift-'));
    const broker = await Mosquitto.start();
    const listener = await mqtt.connectAsync(broker.url);
    listener.on('message', (topic, payload) => {
      for (const [own, text] of messagesOf(topic, payload)) {
        if (!own.endsWith('/drift')) continue;
        sizes.push(Buffer.byteLength(text));
        windows.push(schema.parse(JSON.parse(text)));
      }
    });
    await listener.subscribeAsync('fleet/#', { qos: 1 });
    const report = join(folder, 'run.json');
    const child = spawn(
      process.execPath,
      [
        ...[CLI, 'run', '--bundle', shippedBundle(), '--camera', 'sim:seed=7,loop=20'],
        ...['--camera', 'sim:seed=7,fog=0.9,loop=20', '--size', '320x180', '--rate', '10'],
        ...['--track', '--telemetry', broker.url, '--site', 'yard', '--robot', 'r1', '--drift-window-s', '1'],
        ...['--workers', '1', '--threads', '1', '--report', report],
      ],
      { stdio: 'ignore', env: { ...process.env, XDG_STATE_HOME: folder } },
    );
    const ended = once(child, 'exit') as Promise<[number | null]>;
    // a busy machine is late with the first frames
    await vi.waitFor(() => expect(windows.filter(isFull).length).toBeGreaterThan(1), { timeout: 90_000 });
    child.kill('SIGINT');
    const [code] = await ended;
    expect(code).toBe(0);
    published = runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8'))).frames.published;
    await vi.waitFor(
      () => {
        cameras = windows.reduce<readonly CameraDrift[]>((all, one) => mergeCameras(all, one.cameras), []);
        expect(cameras.reduce((sum, { frames }) => sum + frames, 0)).toBe(published);
      },
      { timeout: 60_000 },
    );
    await listener.endAsync(true);
    await broker.stop();
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const camera = (name: string): CameraDrift =>
    cameras.find((one) => one.camera === name) ?? expect.unreachable(`no camera ${name}`);

  it('sends windows that touch and have every published frame', () => {
    expect(windows.length).toBeGreaterThan(1);
    windows.forEach(({ window }, i) => expect(window.start).toBe(windows[i - 1]?.window.end ?? window.start));
    expect(cameras.map(({ unmeasured }) => unmeasured)).toEqual([0, 0]);
    // those before the model is loaded name none
    expect(windows.at(-1)?.bundle?.name).toBe('goshawk-street');
  });

  it('sees the fog: less contrast and saturation', () => {
    const [clear, fog] = [summaryOf(camera('camera1')), summaryOf(camera('camera2'))];
    expect(fog.features.contrast).toBeLessThan(0.7 * (clear.features.contrast ?? 0));
    expect(fog.features.saturation).toBeLessThan(0.7 * (clear.features.saturation ?? 0));
    expect(clear.features.noise).toBeGreaterThan(0);
    expect(clear.consistency).toBeGreaterThan(0);
    expect(clear.reliability).toBeGreaterThan(0);
  });

  it('counts a value of each feature for each frame, and only within the range', () => {
    const { features, frames, classes } = camera('camera1');
    for (const name of FEATURE_NAMES) {
      const counts = features[name];
      if (FEATURES[name].source === 'image') expect(counts && countOf(counts), name).toBe(frames);
      if (counts !== undefined)
        expect(counts.first + counts.counts.length).toBeLessThanOrEqual(FEATURES[name].edges.length + 1);
    }
    const boxes = Object.values(classes).reduce((sum, count) => sum + count, 0);
    expect(features['boxes']?.sum).toBe(boxes);
    expect(features['motion'] && countOf(features['motion'])).toBe(frames - 1);
  });

  it('takes less than 4 kB for a camera and a window', () => {
    expect(Math.max(...sizes)).toBeLessThan(2 * 4096);
  });

  it('says how well the model saw, since the simulator knows what there is', () => {
    const labeledOf = (name: string) =>
      windows.flatMap(({ cameras: all }) =>
        all.flatMap((one) => (one.camera === name && one.labeled !== undefined ? [one.labeled] : [])),
      );
    for (const name of ['camera1', 'camera2'])
      expect(Math.max(...labeledOf(name).map(({ frames }) => frames))).toBeGreaterThan(0);
    expect(labeledOf('camera1').some(({ objects, ap }) => objects > 0 && ap !== null)).toBe(true);
  });
});
