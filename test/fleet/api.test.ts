import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Role } from '../../src/contract/fleet/access.ts';
import { auditSchema, type AuditEntry } from '../../src/contract/fleet/audit.ts';
import { robotListSchema } from '../../src/contract/fleet/api.ts';
import { robotSettingsSchema } from '../../src/contract/fleet/robot-settings.ts';
import { makeToken } from '../../src/fleet/access/token.ts';
import { FleetMetrics } from '../../src/fleet/metrics/fleet-metrics.ts';
import type { LinkState } from '../../src/fleet/ingest/ingestor.ts';
import { ClipFetcher } from '../../src/fleet/clips/clip-fetcher.ts';
import { listenHttp, type FleetHttp, type HttpOptions } from '../../src/fleet/service/http.ts';
import { LatestCollector } from '../../src/fleet/latest/collector.ts';
import type { Author } from '../../src/fleet/store/audit.ts';
import { warmUp } from '../../src/fleet/api/warm-up.ts';
import { RobotBoard } from '../../src/fleet/board/robot-board.ts';
import type { Database } from '../../src/fleet/store/database.ts';
import type { FleetMessage } from '../../src/fleet/store/fleet-message.ts';
import { connectDatabase } from '../../src/fleet/store/open-store.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { addToken, revokeToken } from '../../src/fleet/store/tokens.ts';
import { CHROMIUM, openChromium } from '../support/chromium.ts';
import { describeWith } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { startFleetStore } from './support/fleet-store.ts';
import { message } from './support/fleet-message.ts';
import { fuzzedOperations } from './support/openapi-fuzz.ts';
import { idleFleet } from './support/idle-fleet.ts';

const folder = makeFleetFolder();
const home = join(folder.path, 'fleet');
const BOOT = randomUUID();
const AUTHOR: Author = { actor: 'test', role: null, address: 'local' };
const open: { close(): Promise<void> }[] = [];
let database: Database;
let messages: MessageStore;
let fleet: FleetHttp;

const event = (robot: string, boot: string, id: number): FleetMessage =>
  message(robot, boot, id, { stream: 'event', json: Buffer.from('{}') });

let brokers: readonly LinkState[] = [];
const latest = new LatestCollector();
/** As the ingestor does: stored, and on the board. */
async function store(all: readonly FleetMessage[]): Promise<void> {
  await messages.store(all);
  latest.note(all);
  await latest.flush(database);
}

/** A server of the fleet's API on the database of this file. */
async function serve(
  more: Partial<HttpOptions> = {},
  say: (line: string) => void = () => undefined,
): Promise<FleetHttp> {
  const idle = idleFleet();
  const ingestor = { ...idle.ingestor, links: () => brokers };
  const http = await listenHttp(
    { host: '127.0.0.1', port: 0, allowedHosts: [], rateLimit: 1_000, ...more },
    {
      database,
      ingestor,
      jobs: { reasons: () => [] },
      metrics: new FleetMetrics(() => ({ ...idle, ingestor })),
      clips: new ClipFetcher({ folder: null, budgetBytes: 0, nowMs: () => 0, say: () => undefined }),
      say,
    },
  );
  open.push(http);
  return http;
}

async function tokenFor(role: Role, name: string, expiresAt: Date | null = null): Promise<string> {
  const { text, key } = makeToken();
  await addToken(database, { ...key, name, role, expiresAt }, AUTHOR);
  return text;
}

interface Asked {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly at?: string;
}

async function ask(path: string, { method = 'GET', token, headers, body, at = fleet.url }: Asked = {}) {
  const answer = await fetch(`${at}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) as unknown };
}

const goshawk = (...args: string[]) => promisify(execFile)(process.execPath, [CLI, 'fleet', ...args]);

beforeAll(async () => {
  const own = await startFleetStore(home);
  open.push(own);
  ({ database } = own);
  messages = new MessageStore(database);
  await store([event('r1', BOOT, 0), event('r2', BOOT, 0)]);
  fleet = await serve();
});
afterAll(async () => {
  for (const one of open.reverse()) await one.close();
  folder.remove();
});

let viewer: string;
let operator: string;

describe('the first questions', () => {
  it('are asked by the server itself, on each connection, before it listens', async () => {
    const query = vi.spyOn(database, 'query');
    const texts: string[][] = [];
    const each = database.onEachConnection.bind(database);
    vi.spyOn(database, 'onEachConnection').mockImplementationOnce((work) =>
      each(async (session) => {
        const own: string[] = [];
        texts.push(own);
        await work({
          query: (one) => {
            own.push(typeof one === 'string' ? one : one.text);
            return session.query(one);
          },
        });
      }),
    );
    const { url: at } = await serve();
    expect(texts).toHaveLength(database.connections);
    for (const own of texts)
      for (const table of ['cameras_5m', 'hosts_5m', 'cameras_1h', 'messages'])
        expect(own.join('\n')).toContain(`fleet.${table}`);
    const wholeBoards = (): number =>
      query.mock.calls.filter(
        ([one]) => typeof one === 'object' && one.name === 'read-latest' && one.values?.[0] === 0,
      ).length;
    expect(wholeBoards()).toBe(1);
    expect((await ask('/api/v1/robots', { at })).json()).toMatchObject({ total: 2 });
    expect(wholeBoards()).toBe(1);
    query.mockRestore();
  });

  it('do not keep it from listening when the database goes away', async () => {
    const gone = connectDatabase({ url: 'postgresql://nobody@127.0.0.1:9/fleet' }, 1);
    await warmUp(gone, new RobotBoard(gone, { stateOf: () => null }), new Date());
    await gone.close();
  });
});

describe('before there is a token', () => {
  it('everybody on this machine reads, and nobody changes anything', async () => {
    expect((await ask('/api/v1/robots')).status).toBe(200);
    expect((await ask('/api/v1/session')).json()).toEqual({ name: null, role: 'viewer' });
    for (const [method, path] of [
      ['PATCH', '/api/v1/robots/yard/r1/settings'],
      ['DELETE', '/api/v1/robots/yard/r1'],
      ['GET', '/api/v1/audit'],
    ] as const) {
      const { status, text } = await ask(path, { method, ...(method === 'PATCH' ? { body: {} } : {}) });
      expect([status, text]).toEqual([403, expect.stringContaining('GOSHAWK_ROLE_REFUSED')]);
    }
    expect((await ask('/healthz')).json()).toMatchObject({
      access: expect.stringContaining('no token') as string,
    });
  });

  it('a server does not listen where others could reach it, unless its operator says so', async () => {
    await expect(serve({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'GOSHAWK_TOKENS_REQUIRED' });
    const insecure = await serve({ host: '0.0.0.0', isInsecure: true });
    const at = insecure.url.replace('0.0.0.0', '127.0.0.1');
    expect((await ask('/api/v1/robots', { at })).status).toBe(200);
    expect((await ask('/healthz', { at })).text).toContain('--insecure-no-auth');
  });
});

describe('tokens', () => {
  it('that have expired let nobody in, and the fleet starts with a warning', async () => {
    const over = await tokenFor('viewer', 'long over', new Date(Date.now() - 1_000));
    const lines: string[] = [];
    const { url } = await serve({ host: '0.0.0.0' }, (line) => lines.push(line));
    expect(lines).toContainEqual(expect.stringMatching(/^warning: .*"goshawk fleet token create"$/));
    const at = url.replace('0.0.0.0', '127.0.0.1');
    expect((await ask('/api/v1/robots', { at })).status).toBe(401);
    expect((await ask('/api/v1/robots', { at, token: over })).status).toBe(401);
    await database.query('delete from fleet.tokens');
  });

  it('are made, listed and revoked by the command line, and end the open access', async () => {
    const file = join(folder.path, 'token');
    const made = await goshawk(
      'token',
      'create',
      '--folder',
      home,
      '--name',
      'ci',
      '--role',
      'viewer',
      '--out',
      file,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    viewer = readFileSync(file, 'utf8').trim();
    expect(made.stdout + made.stderr).not.toContain(viewer);
    expect((await ask('/api/v1/robots')).headers.get('www-authenticate')).toContain('Bearer');
    expect((await ask('/api/v1/session', { token: viewer })).json()).toEqual({ name: 'ci', role: 'viewer' });

    const printed = await goshawk('token', 'create', '--folder', home, '--name', 'old', '--role', 'operator');
    const old = printed.stdout.trim();
    expect((await ask('/api/v1/session', { token: old })).status).toBe(200);
    await goshawk('token', 'revoke', 'old', '--folder', home);
    const refused = await ask('/api/v1/session', { token: old });
    expect([refused.status, refused.text]).toEqual([401, expect.stringContaining('revoked')]);
    const { stdout } = await goshawk('token', 'list', '--folder', home, '--json');
    const secret = (token: string): string => token.split('_').slice(2).join('_');
    expect(stdout).toContain('"lastUsedAt": "2');
    for (const token of [viewer, old]) expect(stdout).not.toContain(secret(token));
    const { rows } = {
      rows: await database.query<{ row: string }>('select t::text as row from fleet.tokens t'),
    };
    for (const token of [viewer, old]) expect(JSON.stringify(rows)).not.toContain(secret(token));
    await expect(
      goshawk('token', 'create', '--folder', home, '--name', 'ci', '--role', 'viewer'),
    ).rejects.toMatchObject({ stderr: expect.stringContaining('GOSHAWK_TOKEN_EXISTS') as string });
    operator = await tokenFor('operator', 'ada');
  });

  it('are not needed to ask whether it is ready, which it is with one of two brokers', async () => {
    const statuses = async (): Promise<number[]> =>
      Promise.all(['/readyz', '/healthz'].map(async (path) => (await ask(path)).status));
    const broker = (url: string, isUp: boolean): LinkState => ({ url, isUp });
    brokers = [broker('mqtt://a', true), broker('mqtt://b', true)];
    expect(await statuses()).toEqual([200, 200]);
    brokers = [broker('mqtt://a', true), broker('mqtt://b', false)];
    expect(await statuses()).toEqual([200, 503]);
    brokers = [broker('mqtt://a', false), broker('mqtt://b', false)];
    expect(await statuses()).toEqual([503, 503]);
    brokers = [];
  });

  it('are needed for everything but the page, health and the way in', async () => {
    for (const path of ['/', '/healthz', '/api/v1/openapi.json']) expect((await ask(path)).status).toBe(200);
    for (const path of [
      '/metrics',
      '/api/v1/robots',
      '/api/v1/robots/yard/r1',
      '/api/v1/live',
      '/api/v1/audit',
    ])
      expect((await ask(path)).status, path).toBe(401);
    expect((await ask('/metrics', { token: viewer })).status).toBe(200);
    expect((await ask('/api/v1/audit', { token: viewer })).status).toBe(403);
  });

  it('that are wrong are counted by reason', async () => {
    const { url: at } = await serve();
    const over = await tokenFor('viewer', 'over', new Date(Date.now() - 1_000));
    const gone = await tokenFor('viewer', 'gone');
    await revokeToken(database, 'gone', AUTHOR);
    const wrong = { malformed: 'x', unknown: makeToken().text, expired: over, revoked: gone };
    for (const token of Object.values(wrong))
      expect((await ask('/api/v1/robots', { at, token })).status).toBe(401);
    const metrics = (await ask('/metrics', { at, token: viewer })).text;
    for (const reason of Object.keys(wrong))
      expect(metrics).toContain(`goshawk_fleet_http_refused_total{reason="${reason}"} 1`);
    for (let i = 0; i < 6; i += 1) await ask('/api/v1/robots', { at, token: makeToken().text });
    const slowed = await ask('/api/v1/robots', { at, token: makeToken().text });
    expect([slowed.status, Number(slowed.headers.get('retry-after'))]).toEqual([429, expect.closeTo(5, 0)]);
    for (const token of [viewer, operator])
      expect((await ask('/api/v1/robots', { at, token })).status).toBe(200);
  });

  it('let nobody ask too often', async () => {
    const { url: at } = await serve({ rateLimit: 0.25 });
    expect((await ask('/api/v1/robots', { at, token: viewer })).status).toBe(200);
    const refused = await ask('/api/v1/robots', { at, token: viewer });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '4']);
    expect((await ask('/api/v1/robots', { at, token: operator })).status).toBe(200);
  });
});

describe('the way in for browsers', () => {
  const logIn = (token: unknown, headers = {}) =>
    ask('/api/v1/session', { method: 'POST', body: { token }, headers });

  it('is a cookie that scripts and other sites cannot use', async () => {
    expect((await logIn('wrong')).status).toBe(401);
    expect((await logIn(7)).status).toBe(400);
    const { status, headers } = await logIn(operator);
    const cookie = headers.get('set-cookie') ?? '';
    expect([status, cookie]).toEqual([200, expect.stringMatching(/; HttpOnly; SameSite=Strict$/)]);
    const own = { cookie: cookie.split(';')[0] ?? '' };
    expect((await ask('/api/v1/robots', { headers: own })).status).toBe(200);
    const change = { method: 'PATCH', body: { note: 'x' } };
    const foreign = { ...own, origin: 'http://127.0.0.1:1', 'if-match': '*' };
    const refused = await ask('/api/v1/robots/yard/r1/settings', { ...change, headers: foreign });
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('GOSHAWK_ORIGIN_REFUSED')]);
    expect((await logIn(operator, { origin: 'http://evil.example' })).status).toBe(403);
    const secure = await logIn(operator, { 'x-forwarded-proto': 'https' });
    expect(secure.headers.get('set-cookie')).toContain('; Secure');
    expect((await ask('/api/v1/session', { method: 'DELETE' })).headers.get('set-cookie')).toContain(
      'Max-Age=0',
    );
  });

  it('takes no forms', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const body = JSON.stringify({ token: operator });
      const answer = await fetch(`${fleet.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
      expect([answer.status, await answer.text()]).toEqual([
        415,
        expect.stringContaining('GOSHAWK_REQUEST_INVALID'),
      ]);
    }
  });
});

describe('what operators keep about a robot', () => {
  const path = '/api/v1/robots/yard/r1/settings';
  const patch = (body: object, etag: string | null, token = operator) =>
    ask(path, { method: 'PATCH', body, token, headers: etag === null ? {} : { 'if-match': etag } });

  it('changes by a merge patch that names the version it changes', async () => {
    const first = await ask(path, { token: viewer });
    expect([first.json(), first.headers.get('etag')]).toEqual([
      { note: '', labels: {}, mutedUntil: null },
      '"0"',
    ]);
    const done = await patch({ note: 'lens cleaned', labels: { crew: 'north', line: '4' } }, '"0"');
    const etag = done.headers.get('etag');
    expect(robotSettingsSchema.parse(done.json()).labels).toEqual({ crew: 'north', line: '4' });
    expect((await patch({ note: 'late' }, '"0"')).status).toBe(412);
    expect((await patch({ note: 'late' }, 'W/"0"')).status).toBe(412);
    expect((await patch({ note: 'late' }, null)).status).toBe(428);
    const until = '2027-01-01T00:00:00.000Z';
    const muted = await patch({ labels: { line: null }, mutedUntil: until }, etag);
    const kept = { note: 'lens cleaned', labels: { crew: 'north' }, mutedUntil: until };
    expect(muted.json()).toEqual(kept);
    const { robots } = robotListSchema.parse((await ask('/api/v1/robots', { token: viewer })).json());
    expect(robots.map(({ settings }) => settings)).toEqual([
      kept,
      { note: '', labels: {}, mutedUntil: null },
    ]);
    const ofOne = (await ask('/api/v1/robots/yard/r1', { token: viewer })).json();
    expect(ofOne).toMatchObject({ robot: { settings: kept } });
  });

  it('is changed by one of two who change the same version', async () => {
    const etag = (await ask(path, { token: viewer })).headers.get('etag');
    const both = await Promise.all([patch({ note: 'a' }, etag), patch({ note: 'b' }, etag)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it.each<[object, number]>([
    [{ note: 7 }, 400],
    [{ unknown: 1 }, 400],
    [{ mutedUntil: 'tomorrow' }, 400],
    [{ note: 'a\0b' }, 400],
    [{ labels: { 'a b': 'c' } }, 400],
    [{ labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ''])) }, 400],
    [[], 400],
    [{ note: 'x'.repeat(9_000) }, 413],
  ])('is not changed by wrong bodies (%#)', async (body, status) => {
    const answer = await patch(body, '*');
    expect([answer.status, answer.text]).toEqual([
      status,
      expect.stringMatching(/GOSHAWK_(PARAMETER|REQUEST)_INVALID/),
    ]);
  });

  it('is changed by nobody who may only read, and of no robot that is not there', async () => {
    expect((await patch({ note: 'x' }, '*', viewer)).status).toBe(403);
    const nobody = '/api/v1/robots/yard/nobody/settings';
    const headers = { 'if-match': '*' };
    expect((await ask(nobody, { method: 'PATCH', body: {}, token: operator, headers })).status).toBe(404);
  });
});

describe('the audit', () => {
  const read = async (query = ''): Promise<readonly AuditEntry[]> =>
    auditSchema.parse((await ask(`/api/v1/audit${query}`, { token: operator })).json()).entries;

  it('has who changed what, from where, before and after', async () => {
    const entries = await read('?search=robot.settings');
    expect(entries.at(-1)).toMatchObject({
      actor: 'ada',
      role: 'operator',
      from: '127.0.0.1',
      target: 'yard/r1',
      before: { note: '', labels: {} },
      after: { note: 'lens cleaned' },
    });
    const tokens = await read('?search=token');
    expect(tokens.map(({ action, target }) => `${action} ${target}`)).toEqual(
      expect.arrayContaining(['token.create ci', 'token.create old', 'token.revoke old', 'token.create ada']),
    );
    expect(tokens.find(({ target }) => target === 'ci')?.actor).toMatch(/^cli:/);
    const [first, second] = await read('?limit=2');
    expect(await read(`?limit=1&before=${first?.id ?? 0}`)).toEqual([second]);
    const { stdout } = await goshawk('audit', '--folder', home, '--search', 'yard/r1');
    expect(stdout).toContain('ada (127.0.0.1) robot.settings yard/r1');
  });

  it('takes new lines only', async () => {
    const before = await read();
    for (const text of [
      "update fleet.audit set actor = 'somebody else'",
      'delete from fleet.audit',
      'truncate fleet.audit',
    ])
      await expect(database.query(text)).rejects.toMatchObject({ state: 'GF002' });
    expect(await read()).toEqual(before);
  });
});

describe('a robot that is retired', () => {
  const remove = (robot: string, token = operator) =>
    ask(`/api/v1/robots/yard/${robot}`, { method: 'DELETE', token });

  it('is deleted once it is quiet, with all that the fleet has of it; it may come back', async () => {
    expect((await remove('r2', viewer)).status).toBe(403);
    expect((await remove('r2')).status).toBe(409);
    await database.query(
      "update fleet.ledger set last_received = now() - interval '61 minutes' " +
        "where sender in (select id from fleet.senders where robot = 'r2')",
    );
    expect((await remove('r2')).json()).toMatchObject({ nodes: ['detector'], messages: 1 });
    expect((await remove('r2')).status).toBe(404);
    const { robots } = robotListSchema.parse((await ask('/api/v1/robots', { token: viewer })).json());
    expect(robots.map(({ robot }) => robot)).toEqual(['r1']);
    const again = event('r2', randomUUID(), 0);
    // the store remembers the rows that went, and looks again
    await store([again]).catch(() => store([again]));
    expect((await ask('/api/v1/robots/yard/r2/ledger', { token: viewer })).status).toBe(200);
    const audit = await ask('/api/v1/audit?search=robot.delete', { token: operator });
    expect(auditSchema.parse(audit.json()).entries).toHaveLength(1);
  });
});

describe('live changes', () => {
  it('reach who listens, and who returns', async () => {
    const end = new AbortController();
    let text = '';
    const listen = async (headers = {}): Promise<void> => {
      const url = `${fleet.url}/api/v1/live`;
      const authorization = `Bearer ${viewer}`;
      const { body } = await fetch(url, { headers: { authorization, ...headers }, signal: end.signal });
      const decoder = new TextDecoder();
      for await (const chunk of body!) text += decoder.decode(chunk as Uint8Array);
    };
    const ended = listen().catch(() => undefined);
    const heard = async (pattern: RegExp): Promise<void> =>
      vi.waitFor(() => expect(text).toMatch(pattern), { timeout: 60_000, interval: 50 });
    await heard(/retry: /);
    await vi.waitFor(
      async () => {
        await ask('/api/v1/robots/yard/r1/settings', {
          method: 'PATCH',
          body: { note: String(Date.now()) },
          token: operator,
          headers: { 'if-match': '*' },
        });
        expect(text).toMatch(/"robot":"r1"/);
      },
      { timeout: 60_000, interval: 300 },
    );
    await store([event('r3', randomUUID(), 0)]);
    await heard(/data: \{"robots":\[.*"r3".*\],"isAll":false\}/);
    const metrics = (await ask('/metrics', { token: viewer })).text;
    expect(metrics).toContain('goshawk_fleet_streams 1');
    expect(metrics).toMatch(/goshawk_fleet_robots\{site="yard",state="online"\} [123]/);
    text = '';
    const back = listen({ 'last-event-id': 'of another process-1' }).catch(() => undefined);
    await heard(/"isAll":true/);
    end.abort();
    await Promise.all([ended, back]);
    await expect
      .poll(async () => (await ask('/metrics', { token: viewer })).text)
      .toContain('goshawk_fleet_streams 0');
  });
});

describe('requests made from the OpenAPI document', () => {
  it.each(fuzzedOperations().map((one) => [one.name, one] as const))(
    'to %s are answered as it says, however wild they are',
    async (_name, { requests, objection }) => {
      const { url } = await serve({ rateLimit: 1e6 });
      const tokens = fc.constantFrom(viewer, operator, operator);
      await fc.assert(
        fc.asyncProperty(requests, tokens, async ({ method, path, headers, body }, token) => {
          const end = new AbortController();
          const answer = await fetch(`${url}${path}`, {
            method,
            headers: { ...headers, authorization: `Bearer ${token}` },
            signal: end.signal,
            ...(body === undefined ? {} : { body }),
          });
          const type = answer.headers.get('content-type') ?? '';
          const text = type.startsWith('text/event-stream') ? '' : await answer.text();
          end.abort();
          // another path, since a level of it had a slash or was empty
          if (text.startsWith('{"error":"GOSHAWK_ROUTE_UNKNOWN')) return;
          expect(answer.status, text).not.toBe(500);
          expect(objection(answer.status, type, text)).toBeNull();
        }),
        { numRuns: 40 },
      );
    },
  );
});

describeWith([CHROMIUM], 'the page of the fleet', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  it('asks for a token, and shows robots and their changes from then on', async () => {
    const page = await browser.newPage();
    await page.goto(fleet.url, { waitUntil: 'domcontentloaded' });
    await page.locator('#login').waitFor();
    await page.locator('#token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.locator('#login-problem', { hasText: 'GOSHAWK_TOKEN_REFUSED' }).waitFor();
    await page.locator('#token').fill(viewer);
    await page.keyboard.press('Enter');
    const rows = page.locator('#robots tr');
    await expect.poll(() => rows.count()).toBe(3);
    expect(await page.locator('#login').isVisible()).toBe(false);
    expect(await page.evaluate('document.cookie')).toBe('');
    await vi.waitFor(
      async () => {
        await store([event('r4', BOOT, Date.now())]);
        expect(await rows.count()).toBe(4);
      },
      { timeout: 60_000, interval: 500 },
    );
    await page.close();
  });
});
