import mqtt from 'mqtt';
import { afterAll, afterEach, expect, it } from 'vitest';
import { statusSchema, type Status } from '../../src/contract/status.ts';
import { payloadSchemaOf } from '../../src/contract/telemetry/payloads.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { MOSQUITTO, Mosquitto } from '../support/mosquitto.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { jsonLines, RosBench, type RosProcess } from './support/ros-process.ts';
import { describeWith, ROS } from '../support/needs.ts';

const bundle = shippedBundle();

async function statusOf(url: string): Promise<Status> {
  return statusSchema.parse(await (await fetch(`${url}/api/status`)).json());
}

describeWith([ROS, MOSQUITTO], 'several cameras and detectors', () => {
  const bench = new RosBench(8);
  const running: { stop(): Promise<unknown> }[] = [];

  afterEach(async () => {
    for (const process of running.splice(0).reverse()) await process.stop();
  });
  afterAll(async () => {
    await bench.close();
  });

  async function startDetector(
    parameters: Readonly<Record<string, string>>,
    ...more: string[]
  ): Promise<RosProcess> {
    const detector = bench.node('detector', { bundle: bundle, ...parameters }, ...more);
    running.push(detector);
    await detector.waitFor(/the detector is active/, 60);
    return detector;
  }

  async function startCamera(topic: string, rate: string): Promise<void> {
    const camera = bench.peer('raw_camera.py', '--topic', topic, '--rate', rate);
    running.push(camera);
    await camera.waitFor(/publishing/);
  }

  it('cameras whose topics collide, one of them slow, are two on the page, even after a reload', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${String(port)}`;
    const detector = await startDetector({
      image_topics: '["/left", "/left/image"]',
      http_port: String(port),
      silent_after_s: '12.0',
    });
    await detector.waitFor(/\/left -> \/left\/detections, \/left\/image -> \/left\/image\/detections/);
    await startCamera('/left', '10');
    await startCamera('/left/image', '0.2');
    const published = async (): Promise<number[]> =>
      Object.values((await statusOf(url)).cameras).map(({ frames }) => Math.min(frames.published, 2));
    await expect.poll(published, { timeout: 60_000 }).toEqual([2, 2]);
    expect(Object.keys((await statusOf(url)).cameras)).toEqual(['left', 'left/image']);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ ok: true, reasons: [] });

    const stop = new AbortController();
    const stream = await fetch(`${url}/live/left`, { signal: stop.signal });
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of stream.body!) bytes += (chunk as Uint8Array).length;
    })().catch(() => undefined);
    await expect.poll(() => bytes, { timeout: 20_000 }).toBeGreaterThan(10_000);
    const manager = bench.peer(
      'lifecycle.py',
      ...['--node', '/goshawk/detector', 'deactivate', 'cleanup', 'configure', 'activate'],
    );
    expect((await manager.exit).code, manager.output).toBe(0);
    expect(jsonLines(manager.output)).toHaveLength(4);
    const before = bytes;
    await expect.poll(() => bytes, { timeout: 20_000 }).toBeGreaterThan(before + 10_000);
    stop.abort();
    await reading;
  });

  it('two detectors on one machine use one broker, each with its own topics', async () => {
    const broker = await Mosquitto.start();
    running.push(broker);
    const topics = new Set<string>();
    const subscriber = await mqtt.connectAsync(broker.url);
    running.push({ stop: () => subscriber.endAsync(true) });
    subscriber.on('message', (topic, payload) => {
      topics.add(topic);
      // Binary; its messages are those of other topics.
      if (topic.endsWith('/history')) return;
      const state = payloadSchemaOf('state').safeParse(JSON.parse(payload.toString('utf8')));
      if (!state.success) return;
      expect(topic.split('/')[4]).toBe(state.data.node);
      expect(state.data.tags).toEqual({ customer: 'acme', model: 'mk2' });
    });
    await subscriber.subscribeAsync('fleet/#');
    const tags = { fleet_tags: '["customer=acme", "model=mk2"]' };
    const common = { telemetry: broker.url, site: 'yard', robot: 'r7', ...tags, workers: '1', threads: '1' };
    const [front, rear] = await Promise.all(
      ['front', 'rear'].map((name) =>
        startDetector({ ...common, image_topics: `["/${name}/image_raw"]` }, '-r', `__ns:=/${name}`),
      ),
    );
    await expect
      .poll(() => [...topics].filter((topic) => topic.endsWith('/state')).sort(), { timeout: 60_000 })
      .toEqual(['fleet/v1/yard/r7/front-detector/state', 'fleet/v1/yard/r7/rear-detector/state']);
    const probe = bench.peer(
      'diagnostics_probe.py',
      ...['--topic', '/goshawk/telemetry/status', '--count', '6'],
    );
    expect((await probe.exit).code, probe.output).toBe(0);
    expect(probe.output).toMatch(
      /"\/front\/detector: telemetry outbox": \{"level": 0, "message": "on the disk"/,
    );
    expect(probe.output).toMatch(/"\/rear\/detector: telemetry stream state": \{"level": 0, /);
    for (const { output } of [front!, rear!]) {
      expect(output).toMatch(/telemetry: connected to/);
      expect(output).not.toMatch(/GOSHAWK_CLIENT_TAKEN_OVER|GOSHAWK_BROKER/);
    }
  });

  it('reports a topic that is named twice, and refuses its own annotated image as a camera', async () => {
    const twice = await startDetector({ image_topics: '["/front/image_raw", "/front/image_raw"]' });
    expect(twice.output).toMatch(/image_topics names a topic twice .*: it counts as one camera/);
    await startDetector({ image_topics: '["/front/image_raw"]' }, '-r', '__ns:=/other');
    await twice.waitFor(/\/other\/detector also publishes \/front\/detections/);
    await twice.stop();
    const own = bench.node('detector', {
      bundle: bundle,
      image_topics: '["/front/image_raw", "/front/detections/image"]',
    });
    running.push(own);
    await own.waitFor(/configure failed: GOSHAWK_PARAMETER_INVALID: .*annotated image of \/front\/image_raw/);
  });
});
