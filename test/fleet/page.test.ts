import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { robotHistorySchema, robotListSchema, type RobotList } from '../../src/contract/fleet/api.ts';
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

async function say(robot: Robot, connectionState: string): Promise<void> {
  await robot.say(robot.topic('connection'), JSON.stringify({ ...robot.header(0), connectionState }));
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
    await say(robot, name === 'r3' ? 'OFFLINE' : 'ONLINE');
  }
  const wait = { timeout: 20_000, interval: 100 };
  await vi.waitFor(() => expect(robots.map(({ unacked }) => unacked)).toEqual([0, 0, 0]), wait);
});
afterAll(async () => {
  for (const robot of robots) await robot.close();
  await fleet.stop();
  await broker.close();
  folder.remove();
});

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
      ledger: { stored: 3, declared: 0, holes: 0 },
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
    const { history, robot } = robotHistorySchema.parse((await ask('/api/v1/robots/yard/r1')).body);
    expect(robot.robot).toBe('r1');
    expect(history.reduce((sum, { published }) => sum + published, 0)).toBe(580);
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
    ['/api/v1/robots/yard/%3Cb%3E', 400, 'GOSHAWK_PARAMETER_INVALID'],
  ])('answers %s with %i', async (path, status, code) => {
    const answer = await ask(path);
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(code)]);
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
    expect(await page.locator('#fps path').getAttribute('d')).toMatch(/^M[\d.]+ [\d.]+/);
    expect(await page.locator('#facts').textContent()).toContain('customer=acme');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('#list').isVisible()).toBe(true);

    expect(await page.title()).toBe('Goshawk fleet');
    expect(errors).toEqual([]);
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
