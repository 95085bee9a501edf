import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { robotHistorySchema, robotListSchema, type RobotList } from '../../src/contract/fleet/api.ts';
import { clipSchema } from '../../src/contract/clips.ts';
import type { RobotClips } from '../../src/contract/fleet/clips.ts';
import { triageSchema, type TriageReport } from '../../src/contract/fleet/drift.ts';
import { fleetLedgerSchema } from '../../src/contract/fleet-ledger.ts';
import { LATENCY_EDGES_MS } from '../../src/contract/telemetry/shapes.ts';
import type { StreamBody } from '../../src/contract/telemetry/streams.ts';
import { EmbeddedBroker } from '../../src/fleet/broker/embedded-broker.ts';
import { CHROMIUM, openChromium } from '../support/chromium.ts';
import { describeWith } from '../support/needs.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { FleetProcess } from './support/fleet-process.ts';
import { Robot } from './support/robot.ts';

const MARKUP = '<img src=x onerror="document.title=\'changed\'">';
const folder = makeFleetFolder();
let broker: EmbeddedBroker;
let fleet: FleetProcess;
const robots: Robot[] = [];

const bundle = { name: MARKUP, version: '1.0.0', digest: 'd', variant: 'fp32', provider: 'cpu' };

function stateOf(tags: Record<string, string>): object {
  return { uptimeSeconds: 1, lifecycle: 'active', bundle, cameras: [], host: {}, tags };
}

function windowOf(endMs: number): StreamBody<'metrics'> {
  const counts = LATENCY_EDGES_MS.map((edge) => (edge === 10 ? 290 : 0));
  const camera = {
    camera: 'front',
    received: 300,
    published: 290,
    drops: { superseded: 10 },
    inFlight: 0,
    fps: { in: 30, out: 29 },
    latency: { edgesMs: [...LATENCY_EDGES_MS], counts: [...counts, 0], sumMs: 2_900 },
  };
  const window = {
    start: new Date(endMs - 10_000).toISOString(),
    end: new Date(endMs).toISOString(),
  };
  return { ...Robot.metricsBody, window, bundle, cameras: [camera] };
}

beforeAll(async () => {
  broker = await EmbeddedBroker.listen(0);
  fleet = await FleetProcess.start('--mqtt', broker.url, '--folder', join(folder.path, 'fleet'));
  for (const name of ['r1', 'r2', 'r3']) {
    const robot = new Robot(broker.url, name);
    robots.push(robot);
    await robot.connect(4);
    robot.produce('state', stateOf({ customer: name === 'r1' ? 'acme' : MARKUP.slice(0, 64) }));
    robot.produce('metrics', windowOf(Date.now() - 60_000));
    robot.produce('metrics', windowOf(Date.now()));
    await robot.sayConnection(name === 'r3' ? 'OFFLINE' : 'ONLINE');
  }
  const wait = { timeout: 60_000, interval: 100 };
  await vi.waitFor(() => expect(robots.map(({ unacked }) => unacked)).toEqual([0, 0, 0]), wait);
  await vi.waitFor(async () => {
    const found = (await list('')).robots.map(({ ledger, liveness }) => `${ledger.stored} ${liveness}`);
    expect(found).toEqual(['3 online', '3 online', '3 offline']);
  }, wait);
});
afterAll(async () => {
  for (const robot of robots) await robot.close();
  await fleet.stop();
  await broker.close();
  folder.remove();
});

const TRIAGE: TriageReport = {
  generatedAt: '2026-01-01T00:00:00.000Z',
  start: '2026-01-01T00:00:00.000Z',
  end: '2026-01-01T00:30:00.000Z',
  cameras: {
    total: 3,
    sampled: 3,
    compared: 2,
    states: { ok: 1, suspect: 0, drifted: 1, recovering: 0 },
  },
  answers: [
    {
      kind: 'site',
      site: 'yard',
      score: 40,
      text: MARKUP,
      certainty: 0.99,
      explained: 0.8,
      suddenness: 1,
      members: 14,
      affected: 14,
      since: '2026-01-01T00:10:00.000Z',
      causes: [{ name: 'fog', words: MARKUP, cameras: 14 }],
      features: [
        {
          feature: 'contrast',
          unit: 'share',
          sigmas: -4,
          now: 0.1,
          usual: 0.2,
          histograms: { edges: [0.1, 0.2, 0.3], now: [0.5, 0.5, 0, 0], usual: [0, 0.2, 0.8, 0] },
        },
        { feature: 'slope_y', unit: '', sigmas: 2, now: 0.2, usual: -0.4, histograms: null },
      ],
      cameras: Array.from({ length: 14 }, () => ({
        site: 'yard',
        robot: 'r1',
        node: 'detector',
        camera: MARKUP,
        bundle: { name: MARKUP, digest: 'd' },
        size: 5,
        state: 'drifted' as const,
      })),
      alternatives: [{ kind: 'robot', site: 'yard', robot: 'r1', score: 3, text: MARKUP }],
    },
  ],
};

const clipOf = (
  reason: 'drift' | 'manual',
  state: RobotClips['clips'][number]['transfer']['state'],
): RobotClips['clips'][number] => ({
  node: 'detector',
  offeredAt: '2026-01-01T00:11:00.000Z',
  clip: clipSchema.parse({
    clip: `20260101T001000Z-${reason}-${state}`,
    reason,
    text: MARKUP,
    cameras: [MARKUP],
    start: '2026-01-01T00:09:50.000Z',
    end: '2026-01-01T00:10:10.000Z',
    frames: 40,
    missed: 0,
    bytes: 1_000_000,
    sha256: 'a'.repeat(64),
    bundle,
    privacy: 'none',
    complete: true,
  }),
  transfer: { state, bytes: state === 'fetching' ? 430_000 : 0, reason: null },
});
const CLIPS: RobotClips = {
  schema: 'goshawk.fleet-clips/1',
  clips: [
    clipOf('manual', 'offered'),
    clipOf('drift', 'fetched'),
    clipOf('drift', 'fetching'),
    clipOf('drift', 'offered'),
    clipOf('drift', 'failed'),
  ],
};

async function ask(path: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${fleet.url}${path}`);
  return { status: answer.status, body: await answer.json() };
}

const list = async (query: string): Promise<RobotList> =>
  robotListSchema.parse((await ask(`/api/v1/robots${query}`)).body);

describe('the API of the fleet', () => {
  it('lists robots with what they sent last', async () => {
    const { robots: found, total } = await list('');
    expect(total).toBe(3);
    expect(found.map(({ robot, liveness }) => [robot, liveness])).toEqual([
      ['r1', 'online'],
      ['r2', 'online'],
      ['r3', 'offline'],
    ]);
    expect(found[0]).toMatchObject({
      site: 'yard',
      nodes: ['detector'],
      fps: { in: 30, out: 29 },
      drops: { superseded: 20 },
      bundle,
      ledger: { stored: 3, quarantined: 0, declared: 0, holes: 0 },
      tags: { customer: 'acme' },
    });
    expect(found[0]?.latencyMs).toMatchObject({ count: 580, p50: 8.75 });
  });

  it('searches names and tags, and pages', async () => {
    const names = async (query: string): Promise<string[]> =>
      (await list(query)).robots.map(({ robot }) => robot);
    expect(await names('?search=CUSTOMER%3Dacme')).toEqual(['r1']);
    expect(await names('?search=yard/r2')).toEqual(['r2']);
    expect(await names(`?search=${encodeURIComponent("' or 1=1 --")}`)).toEqual([]);
    expect(await names('?limit=1&offset=1')).toEqual(['r2']);
    expect((await list('?limit=1&offset=1')).total).toBe(3);
  });

  it('has the history of a robot, and its ledger', async () => {
    const { cameras, robot } = robotHistorySchema.parse((await ask('/api/v1/robots/yard/r1')).body);
    expect(robot.robot).toBe('r1');
    const points = cameras.flatMap((one) => one.points);
    expect(points.reduce((sum, { published }) => sum + published, 0)).toBe(580);
    const ledger = fleetLedgerSchema.parse((await ask('/api/v1/robots/yard/r1/ledger')).body);
    expect(ledger.undeclaredHoles).toBe(0);
    expect(ledger.entries.map(({ stream }) => stream)).toEqual(['metrics', 'state']);
  });

  it.each([
    ['/api/v1/robots/yard/nobody', 404, 'GOSHAWK_ROBOT_UNKNOWN'],
    ['/api/v1/robots/elsewhere/r1/ledger', 404, 'GOSHAWK_ROBOT_UNKNOWN'],
    ['/api/v1/robots?limit=0', 400, 'GOSHAWK_PARAMETER_INVALID'],
    ['/api/v1/robots?search=a&search=b', 400, 'GOSHAWK_PARAMETER_INVALID'],
    ['/api/v1/robots/yard/r1?hours=1e9', 400, 'GOSHAWK_PARAMETER_INVALID'],
    ['/api/v1/triage?minutes=4', 400, 'GOSHAWK_PARAMETER_INVALID'],
    ['/api/v1/drift?by=planet', 400, 'GOSHAWK_PARAMETER_INVALID'],
    ['/api/v1/drift?features=a,b,c,d,e,f,g,h,i', 400, 'GOSHAWK_PARAMETER_INVALID'],
    ['/api/v1/robots/yard/%3Cb%3E', 400, 'GOSHAWK_PARAMETER_INVALID'],
  ])('answers %s with %i', async (path, status, code) => {
    const answer = await ask(path);
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(code)]);
  });

  it('answers what is wrong where, and what cameras showed', async () => {
    const triage = triageSchema.parse((await ask('/api/v1/triage?minutes=60')).body);
    expect(triage).toMatchObject({ cameras: { total: 0 }, answers: [] });
    expect((await ask('/api/v1/drift?by=fleet')).body).toMatchObject({ total: 0, groups: [] });
  });

  it('describes itself', async () => {
    expect((await ask('/api/v1/openapi.json')).body).toMatchObject({ openapi: '3.1.0' });
  });
});

describeWith([CHROMIUM], 'the page of the fleet', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  it('shows robots and one robot by keyboard alone, and what robots say as text', async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await page.goto(fleet.url, { waitUntil: 'domcontentloaded' });
    const rows = page.locator('#robots tr');
    await expect.poll(() => rows.count()).toBe(3);
    expect(await rows.first().textContent()).toContain(MARKUP);
    expect(await page.locator('#robots img').count()).toBe(0);

    await page.keyboard.press('/');
    await page.keyboard.type('acme');
    await expect.poll(() => rows.count()).toBe(1);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('#name', { hasText: 'yard/r1' }).waitFor();
    await expect.poll(() => page.locator('#ledger tr').count()).toBe(2);
    await expect.poll(() => page.locator('#charts canvas').count()).toBe(3);
    expect(await page.locator('#charts [role=img]').nth(1).getAttribute('aria-label')).toMatch(
      /front p50 8\.8 ms, front p99 10\.0 ms/,
    );
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('#ranges [aria-pressed=true]', { hasText: '1 h' }).waitFor();
    expect(await page.locator('#facts').textContent()).toContain('customer=acme');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('#list').isVisible()).toBe(true);

    expect(await page.title()).toBe('Goshawk fleet');
    expect(errors).toEqual([]);
    await page.close();
  });

  it.each(['light', 'dark'] as const)(
    'shows triage by keyboard alone, in a %s scheme',
    async (colorScheme) => {
      const page = await browser.newPage({ colorScheme });
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.route('**/api/v1/triage', (route) => route.fulfill({ json: TRIAGE }));
      await page.route('**/api/v1/robots/yard/r1/clips?*', (route) => route.fulfill({ json: CLIPS }));
      await page.goto(fleet.url, { waitUntil: 'domcontentloaded' });
      await page.locator('#to-triage').focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('#answers section').count()).toBe(1);
      expect(await page.locator('#list').isVisible()).toBe(false);
      expect(await page.locator('#answers h2').textContent()).toBe(`site${MARKUP}`);
      expect(await page.locator('#answers p').first().textContent()).toContain('Wait if it is weather');
      const clips = await page.locator('#answers [aria-label=Clips] li').allTextContents();
      const name = '20260101T001000Z-drift-';
      expect(clips).toEqual([
        `clip ${name}fetched fetched ${MARKUP} Download (1.0 MB) opens in Foxglove (Open local file); ` +
          `in the folder of clips: yard/r1/detector/${name}fetched.mcap`,
        `clip ${name}fetching fetching 43 % ${MARKUP}`,
        `clip ${name}offered offered ${MARKUP} Fetch (1.0 MB)`,
      ]);
      expect(await page.locator('#answers img').count()).toBe(0);
      expect(await page.locator('#answers canvas').count()).toBe(1);
      expect(await page.locator('#answers [role=img]').getAttribute('aria-label')).toContain(
        'contrast -4.0 sigma: 0.1 share, usually 0.2 share',
      );
      const used = await page.evaluate<boolean>(`(() => {
      const canvas = document.querySelector('#answers canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.some((one) => one > 0);
    })()`);
      expect(used).toBe(true);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.locator('#name', { hasText: 'yard/r1' }).waitFor();
      await page.goBack();
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('#list').isVisible()).toBe(true);
      expect(errors).toEqual([]);
      await page.close();
    },
  );

  it.each([
    ['has a clip fetched', 'button'],
    ['saves one', 'a'],
  ])('asks for a token where somebody who may only read %s', async (_words, control) => {
    const page = await browser.newPage();
    await page.route('**/api/v1/triage', (route) => route.fulfill({ json: TRIAGE }));
    await page.route('**/api/v1/robots/yard/r1/clips?*', (route) => route.fulfill({ json: CLIPS }));
    await page.goto(`${fleet.url}/#triage`, { waitUntil: 'domcontentloaded' });
    const button = page.locator(`#answers [aria-label=Clips] ${control}`);
    await button.focus();
    await page.keyboard.press('Enter');
    await page.locator('#answers [role=alert]', { hasText: 'GOSHAWK_ROLE_REFUSED' }).waitFor();
    await page.locator('#login').waitFor();
    expect(await button.isEnabled()).toBe(true);
    expect(page.url()).toBe(`${fleet.url}/#triage`);
    await page.close();
  });

  it.each(['light', 'dark'] as const)('is readable in a %s scheme', async (colorScheme) => {
    const page = await browser.newPage({ colorScheme });
    await page.goto(fleet.url, { waitUntil: 'domcontentloaded' });
    await expect.poll(() => page.locator('#robots tr').count()).toBe(3);
    const ratio = await page.evaluate<number>(`(() => {
      const light = (color) => {
        const [r, g, b] = color.match(/[\\d.]+/g).map((one) => {
          const share = one / 255;
          return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ink = light(getComputedStyle(document.querySelector('th')).color);
      const back = light(getComputedStyle(document.querySelector('#list')).backgroundColor);
      return (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
    })()`);
    expect(ratio).toBeGreaterThan(4.5);
    await page.close();
  });
});
