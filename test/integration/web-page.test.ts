import { get, type IncomingHttpHeaders } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDetections } from '../../src/core/detections.ts';
import type { ImageView } from '../../src/core/image/image-view.ts';
import type { FrameResult } from '../../src/device/pipeline/frame/frame-result.ts';
import { LiveView } from '../../src/device/live/live-view.ts';
import type { Health } from '../../src/contract/status.ts';
import { LiveRelay } from '../../src/device/live/live-relay.ts';
import { WebServer } from '../../src/device/web/web-server.ts';
import { CHROMIUM, openChromium } from '../support/chromium.ts';
import { describeWith } from '../support/needs.ts';

const SPREAD = { count: 300, p50: 4.25, p90: 5, p99: 6.5, p999: 7, max: 8 };

function statusOf(silentMs: number): object {
  const frames = { received: 310, published: 300, inFlight: 2, drops: { superseded: 5, malformed: 3 } };
  const camera = {
    frames,
    fps: { in: 30, out: 30 },
    lastFrameAgeMs: silentMs,
    isSilent: silentMs > 3000,
    lastDrop: 'malformed',
    width: 320,
    height: 180,
    encoding: 'rgb8',
    preprocess: { mode: 'graph', why: 'asked for' },
  };
  return {
    state: 'active',
    uptimeSeconds: 12,
    activeMs: 11_000,
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
    silentAfterMs: 3000,
    telemetry: {
      connected: true,
      protocol: '5',
      reason: '',
      outbox: null,
      fleet: { code: 'GOSHAWK_TELEMETRY_UNACKNOWLEDGED', reason: 'none was acknowledged for 60 s' },
      streams: {
        metrics: {
          produced: 9,
          delivered: 2,
          declared: {},
          waiting: 7,
          waitingBytes: 14_336,
          oldestSeconds: 70,
        },
      },
    },
  };
}

const MANY = ['front', 'rear', 'left', 'right', 'up', 'down', 'arm'];
const now = {
  silentMs: 10,
  health: { ok: true, reasons: [] } as Health,
  cameras: ['front'],
  isConfigured: true,
};
let live = new LiveView({ cameras: MANY, labels: ['person'] });
/** as in the detector node */
const relay = new LiveRelay();
relay.show(live);
const size = { width: 320, height: 180 };
let server: WebServer;
let browser: Browser | undefined;
let feeder: NodeJS.Timeout;

/** Delivers one green image with a box, as the pipeline would. */
function feed(): void {
  const detections = createDetections(1);
  detections.count = 1;
  detections.boxes.set([20, 20, 120, 90]);
  detections.scores[0] = 0.9;
  const data = new Uint8Array(size.width * size.height * 3);
  for (let at = 1; at < data.length; at += 3) data[at] = 160;
  const pixels: ImageView = { ...size, encoding: 'rgb8', step: size.width * 3, data };
  for (const camera of MANY)
    void live.deliver({ envelope: { camera }, detections } as unknown as FrameResult, pixels);
}

beforeAll(async () => {
  server = await WebServer.listen(
    { host: '127.0.0.1', port: 0, allowedHosts: ['robot7.example.com'] },
    {
      status: () => (now.isConfigured ? statusOf(now.silentMs) : null),
      health: () => now.health,
      metrics: () => Promise.resolve('# TYPE goshawk_frames_received_total counter\n'),
      images: relay,
    },
  );
  if (CHROMIUM.isThere()) browser = await openChromium();
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
  await browser?.close();
  await server.close();
});

describeWith(CHROMIUM, 'the page in a real Chromium', () => {
  it('shows rates, stages, drops by reason, the bundle and the live image, and loads nothing else', async () => {
    const page = await browser!.newPage();
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (![server.url, `blob:${server.url}`, 'data:'].some((own) => request.url().startsWith(own)))
        foreign.push(request.url());
    });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    // Violations of the content security policy are reported on the console.
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await page.goto(server.url, { waitUntil: 'domcontentloaded' });
    await page.getByText('healthy', { exact: true }).waitFor();
    expect(await page.locator('#fps-in').textContent()).toBe('30.0');
    expect(await page.locator('#bundle').textContent()).toBe('street@1.2.3 (fp32, cpu)');
    expect(await page.locator('#stages').textContent()).toContain('inference4.256.50');
    expect(await page.locator('#frames').textContent()).toContain('dropped: superseded5');
    expect(await page.locator('#runtime').textContent()).toContain('MQTT 5');
    expect(await page.locator('#runtime').textContent()).toContain('7 messages, 14 KiB, oldest 70 s');
    expect(await page.locator('#runtime').textContent()).toContain('none was acknowledged for 60 s');
    expect(await page.locator('#runtime').textContent()).toContain('engine lost1 times, recovered 1');
    const model = await page.locator('#model').textContent();
    expect(model).toMatch(
      new RegExp(
        'providercpu.*120 on cpu.*2 workers, 1 thread, queue depth 2setting forthroughputwhymeasured here' +
          'moved1 times; last: moved to 2 workers.*not tensorrtit is not installed',
      ),
    );
    expect(await page.locator('#caption-front').textContent()).toBe(
      'front, 320x180 rgb8: 30.0 in, 30.0 out / s, dropped: superseded 5, malformed 3, resized by graph',
    );
    expect(await page.locator('#history path').count()).toBe(2);
    const shown = page.getByAltText('Annotated live image of camera front');
    await shown.waitFor();
    await expect
      .poll(() => shown.evaluate((image) => (image as { naturalWidth?: number }).naturalWidth), {
        timeout: 60_000,
      })
      .toBe(320);
    expect(foreign).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('shows why the device is not healthy', async () => {
    now.health = { ok: false, reasons: ['camera front has been silent for 7 s'] };
    now.silentMs = 7_000;
    const page = await browser!.newPage();
    await page.goto(server.url, { waitUntil: 'domcontentloaded' });
    await page.getByText('camera front has been silent for 7 s').waitFor();
    expect(await page.locator('#health').textContent()).toBe('not healthy');
    expect(await page.locator('#caption-front').textContent()).toContain('SILENT for 7 s');
    await page.close();
  });
});

describeWith(CHROMIUM, 'the page of a device', () => {
  it('with more cameras than a browser has connections keeps showing stats and every image', async () => {
    now.cameras = MANY;
    const page = await browser!.newPage();
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

  it('with four cameras shows all of them live in every one of several tabs', async () => {
    now.cameras = MANY.slice(0, 4);
    const context = await browser!.newContext();
    const tabs = await Promise.all(Array.from({ length: 8 }, () => context.newPage()));
    for (const tab of tabs) await tab.goto(server.url, { waitUntil: 'domcontentloaded' });
    for (const tab of tabs) {
      // Live: each image is replaced by another one.
      const sources = (): Promise<string[]> =>
        tab
          .locator('img')
          .evaluateAll((images) => images.map((image) => (image as { src?: string }).src ?? ''));
      await expect.poll(async () => (await sources()).filter((source) => source !== '')).toHaveLength(4);
      const before = await sources();
      await expect
        .poll(async () => (await sources()).filter((source, i) => source !== before[i]), { timeout: 30_000 })
        .toHaveLength(4);
      await tab.getByText('right, 320x180 rgb8').waitFor();
    }
    await context.close();
  });

  it('continues with the images of the model that is loaded next', async () => {
    const page = await browser!.newPage();
    await page.goto(server.url, { waitUntil: 'domcontentloaded' });
    const shown = page.getByAltText('Annotated live image of camera front');
    const width = () => shown.evaluate((image) => (image as { naturalWidth?: number }).naturalWidth);
    await expect.poll(width, { timeout: 60_000 }).toBe(320);
    relay.hide();
    now.isConfigured = false;
    now.health = { ok: false, reasons: ['no model is loaded'] };
    await page.getByText('no model is loaded').waitFor();
    live = new LiveView({ cameras: MANY, labels: ['person'] });
    size.width = 160;
    relay.show(live);
    now.isConfigured = true;
    await expect.poll(width, { timeout: 60_000 }).toBe(160);
    size.width = 320;
    await page.close();
  });

  it('reports that there is no model, and shows stats once there is one', async () => {
    now.isConfigured = false;
    now.health = { ok: false, reasons: ['no model is loaded'] };
    const page = await browser!.newPage();
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

  it('serve one image, and name the cameras if there is no such one', async () => {
    const shown = await fetch(`${server.url}/snapshot/front`);
    expect(shown.headers.get('content-type')).toBe('image/jpeg');
    const bytes = new Uint8Array(await shown.arrayBuffer());
    expect([bytes[0], bytes[1]]).toEqual([0xff, 0xd8]);
    for (const route of ['snapshot', 'live']) {
      const missing = await fetch(`${server.url}/${route}/attic`);
      expect(missing.status).toBe(404);
      expect(await missing.json()).toEqual({ error: 'no camera "attic"', cameras: MANY });
    }
  });

  it('render nothing once nobody watches', async () => {
    await expect.poll(() => live.wantsPixels('front'), { timeout: 60_000 }).toBe(false);
    const watching = new AbortController();
    const stream = await fetch(`${server.url}/live/front`, { signal: watching.signal });
    expect(stream.headers.get('content-type')).toContain('multipart/x-mixed-replace');
    await stream.body?.getReader().read();
    watching.abort();
    await expect.poll(() => live.wantsPixels('front'), { timeout: 60_000 }).toBe(false);
  });

  it('refuse more streams than a device can render', async () => {
    await expect.poll(() => live.wantsPixels('front'), { timeout: 60_000 }).toBe(false);
    const watching = new AbortController();
    const open = await Promise.all(
      Array.from({ length: 8 }, () => fetch(`${server.url}/live/front`, { signal: watching.signal })),
    );
    expect(open.map((response) => response.status)).toEqual(new Array(8).fill(200));
    expect((await fetch(`${server.url}/live/front`)).status).toBe(503);
    watching.abort();
  });

  it('serve new images of all cameras in one answer, and none that the client has', async () => {
    interface Listed {
      camera: string;
      id: string;
      bytes: number;
    }
    const ask = async (have: string): Promise<{ list: Listed[]; rest: Uint8Array }> => {
      const answer = new Uint8Array(
        await (await fetch(`${server.url}/api/pictures?have=${have}`)).arrayBuffer(),
      );
      const end = answer.indexOf(10);
      const head = new TextDecoder().decode(answer.subarray(0, end));
      return { list: JSON.parse(head) as Listed[], rest: answer.subarray(end + 1) };
    };
    await expect.poll(async () => (await ask('')).list.map(({ camera }) => camera)).toEqual(MANY);
    const { list, rest } = await ask('');
    expect(rest.length).toBe(list.reduce((sum, { bytes }) => sum + bytes, 0));
    expect([rest[0], rest[1], rest[list[0]!.bytes]]).toEqual([0xff, 0xd8, 0xff]);
    clearInterval(feeder);
    // The image being rendered is finished; after that there are no new ones.
    await expect
      .poll(async () => (await ask((await ask('')).list.map(({ id }) => id).join())).list)
      .toEqual([]);
    expect((await ask('a,b&have=c')).list).toHaveLength(MANY.length);
    feeder = setInterval(feed, 50);
  });

  it.each([
    '/',
    '/api/status',
    '/api/pictures',
    '/healthz',
    '/metrics',
    '/live/front',
    '/snapshot/front',
    '/none',
  ])('answer %s under names of this machine only, and tell browsers to trust nothing else', async (path) => {
    const { hostname, port } = new URL(server.url);
    const ask = (host: string): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> =>
      new Promise((resolve, reject) => {
        const request = get({ host: hostname, port, path, headers: { host } }, (response) => {
          let body = '';
          const end = (): void => {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
            request.destroy();
          };
          response.on('data', (chunk: Buffer) => {
            body += chunk.toString('latin1');
            if (path.startsWith('/live')) end();
          });
          response.once('end', end);
        }).on('error', reject);
      });
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example']) {
      const { status, body } = await ask(host);
      expect([status, body]).toEqual([403, expect.stringContaining('GOSHAWK_HOST_REFUSED')]);
    }
    for (const host of [`127.0.0.1:${port}`, 'localhost', 'robot7.example.com:443']) {
      const { status, headers } = await ask(host);
      expect(status).toBe(path === '/none' ? 404 : 200);
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'") as string,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
    }
  });

  it('name the port that is in use', async () => {
    const port = Number(new URL(server.url).port);
    const sources = {
      status: () => null,
      health: () => now.health,
      metrics: () => Promise.resolve(''),
      images: relay,
    };
    await expect(WebServer.listen({ host: '127.0.0.1', port }, sources)).rejects.toMatchObject({
      code: 'GOSHAWK_PORT_IN_USE',
    });
  });
});
