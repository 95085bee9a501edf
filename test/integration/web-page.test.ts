import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDetections } from '../../src/core/detections.ts';
import type { ImageView } from '../../src/core/frame.ts';
import type { FrameResult } from '../../src/device/pipeline/frame-result.ts';
import { LiveView } from '../../src/device/pipeline/live-view.ts';
import type { Health } from '../../src/contract/status.ts';
import { WebServer } from '../../src/device/web/web-server.ts';
import { openChromium } from '../support/chromium.ts';

const SPREAD = { count: 300, p50: 4.25, p90: 5, p99: 6.5, p999: 7, max: 8 };

function statusOf(silentMs: number): object {
  const frames = { received: 310, published: 300, inFlight: 2, drops: { superseded: 5, malformed: 3 } };
  const camera = {
    frames,
    fps: { in: 30, out: 30 },
    lastFrameAgeMs: silentMs,
    lastDrop: 'malformed',
    width: 320,
    height: 180,
    encoding: 'rgb8',
    preprocess: { mode: 'graph', why: 'asked for' },
  };
  return {
    state: 'active',
    uptimeSeconds: 12,
    bundle: { name: 'street', version: '1.2.3', digest: 'a'.repeat(64) },
    variant: 'fp32',
    provider: 'cpu',
    engine: {
      kind: 'worker',
      bundle: { name: 'street', version: '1.2.3', digest: 'a'.repeat(64) },
      variant: 'fp32',
      precision: 'fp32',
      provider: 'cpu',
      refusals: [{ provider: 'tensorrt', reason: 'it is not installed' }],
      nodesByProvider: { cpu: 120 },
      exactInt8: false,
      choice: { how: 'measured', why: 'fp32 on cpu takes 3.10 ms', candidates: [] },
      referenceCheck: {
        verdict: 'passed',
        scores: 0.0001,
        boxes: 0.0002,
        tolerance: 0.03,
        inputs: 6,
        reason: '',
      },
      threads: 1,
      workers: 2,
      queueDepth: 2,
      sizing: {
        role: 'throughput',
        latency: { workers: 1, threads: 2, queueDepth: 1 },
        throughput: { workers: 2, threads: 1, queueDepth: 2 },
        isMeasured: true,
        why: 'measured here',
        measured: [],
        moves: 1,
        lastMove: 'moved to 2 workers',
      },
    },
    engineLost: 1,
    engineRestored: 1,
    fps: { in: 30.04, out: 29.96 },
    frames,
    recentMs: { total: SPREAD, stages: { preprocess: SPREAD, inference: SPREAD } },
    cameras: Object.fromEntries(now.cameras.map((name) => [name, camera])),
    process: { rssBytes: 200 * 1048576 },
    telemetry: { connected: true, protocol: '5', reason: '' },
  };
}

const MANY = ['front', 'rear', 'left', 'right', 'up', 'down', 'arm'];
const now = {
  silentMs: 10,
  health: { ok: true, reasons: [] } as Health,
  cameras: ['front'],
  isConfigured: true,
};
const live = new LiveView({ cameras: MANY, labels: ['person'], maxFps: 30 });
let server: WebServer;
let browser: Browser;
let feeder: NodeJS.Timeout;

/** One green picture with a box, as the pipeline would hand it over. */
function feed(): void {
  const detections = createDetections(1);
  detections.count = 1;
  detections.boxes.set([20, 20, 120, 90]);
  detections.scores[0] = 0.9;
  const data = new Uint8Array(320 * 180 * 3);
  for (let at = 1; at < data.length; at += 3) data[at] = 160;
  const pixels: ImageView = { width: 320, height: 180, encoding: 'rgb8', step: 960, data };
  for (const camera of MANY)
    void live.deliver({ envelope: { camera }, detections } as unknown as FrameResult, pixels);
}

beforeAll(async () => {
  server = await WebServer.listen(
    { host: '127.0.0.1', port: 0 },
    {
      status: () => (now.isConfigured ? statusOf(now.silentMs) : null),
      health: () => now.health,
      metrics: () => Promise.resolve('# TYPE goshawk_frames_received_total counter\n'),
      metricsContentType: 'text/plain; version=0.0.4; charset=utf-8',
      live,
    },
  );
  browser = await openChromium();
  feeder = setInterval(feed, 50);
});

beforeEach(() => {
  now.health = { ok: true, reasons: [] };
  now.silentMs = 10;
  now.cameras = ['front'];
  now.isConfigured = true;
});

afterAll(async () => {
  clearInterval(feeder);
  await browser.close();
  await server.close();
});

describe('the page in a real Chromium', () => {
  it('shows rates, stages, drops by reason, the bundle and the moving picture, and loads nothing from elsewhere', async () => {
    const page = await browser.newPage();
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith('data:'))
        foreign.push(request.url());
    });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(server.url, { waitUntil: 'domcontentloaded' });
    await page.getByText('healthy', { exact: true }).waitFor();
    expect(await page.locator('#fps-in').textContent()).toBe('30.0');
    expect(await page.locator('#bundle').textContent()).toBe('street@1.2.3 (fp32, cpu)');
    expect(await page.locator('#stages').textContent()).toContain('inference4.256.50');
    expect(await page.locator('#frames').textContent()).toContain('dropped: superseded5');
    expect(await page.locator('#runtime').textContent()).toContain('MQTT 5');
    expect(await page.locator('#runtime').textContent()).toContain('engine lost1 times, came back 1');
    const model = await page.locator('#model').textContent();
    expect(model).toMatch(
      /providercpu.*120 on CPU.*2 workers, 1 thread, queue depth 2setting forthroughputwhymeasured heremoved1 times; last: moved to 2 workers.*not tensorrtit is not installed/,
    );
    expect(await page.locator('#caption-front').textContent()).toBe(
      'front, 320x180 rgb8: 30.0 in, 30.0 out / s, dropped: superseded 5, malformed 3, resized by graph',
    );
    expect(await page.locator('#history path').count()).toBe(2);
    const picture = page.getByAltText('Annotated live picture of camera front');
    await picture.waitFor();
    await expect
      .poll(() => picture.evaluate((image) => (image as { naturalWidth?: number }).naturalWidth), {
        timeout: 15_000,
      })
      .toBe(320);
    expect(foreign).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('says why the device is not healthy', async () => {
    now.health = { ok: false, reasons: ['camera front has been silent for 7 s'] };
    now.silentMs = 7_000;
    const page = await browser.newPage();
    await page.goto(server.url, { waitUntil: 'domcontentloaded' });
    await page.getByText('camera front has been silent for 7 s').waitFor();
    expect(await page.locator('#health').textContent()).toBe('not healthy');
    expect(await page.locator('#caption-front').textContent()).toContain('SILENT for 7 s');
    await page.close();
  });
});

describe('the page of a device', () => {
  it('with more cameras than a browser has connections goes on showing figures and every picture', async () => {
    now.cameras = MANY;
    const page = await browser.newPage();
    await page.goto(server.url, { waitUntil: 'domcontentloaded' });
    const widths = () =>
      page
        .locator('img')
        .evaluateAll((images) => images.map((image) => (image as { naturalWidth?: number }).naturalWidth));
    await expect.poll(widths, { timeout: 30_000 }).toEqual(MANY.map(() => 320));
    now.silentMs = 9_000;
    await page.getByText('arm, 320x180 rgb8').getByText('SILENT for 9 s').waitFor();
    await page.close();
  });

  it('without a model says so, and shows figures once there is one', async () => {
    now.isConfigured = false;
    now.health = { ok: false, reasons: ['no model is loaded'] };
    const page = await browser.newPage();
    await page.goto(server.url, { waitUntil: 'domcontentloaded' });
    await page.getByText('no model is loaded').waitFor();
    expect(await page.locator('#health').textContent()).toBe('not healthy');
    now.isConfigured = true;
    now.health = { ok: true, reasons: [] };
    await page.getByText('street@1.2.3 (fp32, cpu)').waitFor();
    await page.close();
  });
});

describe('the routes', () => {
  it('answer supervisors and Prometheus', async () => {
    const health = await fetch(`${server.url}/healthz`);
    expect(health.status).toBe(200);
    now.health = { ok: false, reasons: ['x'] };
    expect((await fetch(`${server.url}/healthz`)).status).toBe(503);
    const metrics = await fetch(`${server.url}/metrics`);
    expect(metrics.headers.get('content-type')).toContain('version=0.0.4');
    expect(await metrics.text()).toContain('goshawk_frames_received_total');
  });

  it('give one picture, and name the cameras where there is no such one', async () => {
    const picture = await fetch(`${server.url}/snapshot/front`);
    expect(picture.headers.get('content-type')).toBe('image/jpeg');
    const bytes = new Uint8Array(await picture.arrayBuffer());
    expect([bytes[0], bytes[1]]).toEqual([0xff, 0xd8]);
    for (const route of ['snapshot', 'live']) {
      const missing = await fetch(`${server.url}/${route}/attic`);
      expect(missing.status).toBe(404);
      expect(await missing.json()).toEqual({ error: 'no camera "attic"', cameras: MANY });
    }
  });

  it('render nothing once nobody watches', async () => {
    await expect.poll(() => live.wantsPixels('front'), { timeout: 10_000 }).toBe(false);
    const watching = new AbortController();
    const stream = await fetch(`${server.url}/live/front`, { signal: watching.signal });
    expect(stream.headers.get('content-type')).toContain('multipart/x-mixed-replace');
    await stream.body?.getReader().read();
    watching.abort();
    await expect.poll(() => live.wantsPixels('front'), { timeout: 10_000 }).toBe(false);
  });

  it('refuse more streams than a device can render', async () => {
    await expect.poll(() => live.wantsPixels('front'), { timeout: 10_000 }).toBe(false);
    const watching = new AbortController();
    const open = await Promise.all(
      Array.from({ length: 8 }, () => fetch(`${server.url}/live/front`, { signal: watching.signal })),
    );
    expect(open.map((response) => response.status)).toEqual(new Array(8).fill(200));
    expect((await fetch(`${server.url}/live/front`)).status).toBe(503);
    watching.abort();
  });

  it('name the port that is in use', async () => {
    const port = Number(new URL(server.url).port);
    const sources = {
      status: () => null,
      health: () => now.health,
      metrics: () => Promise.resolve(''),
      metricsContentType: 'text/plain',
      live,
    };
    await expect(WebServer.listen({ host: '127.0.0.1', port }, sources)).rejects.toMatchObject({
      code: 'GOSHAWK_PORT_IN_USE',
    });
  });
});
