import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Role } from '../../src/contract/fleet/access.ts';
import { auditSchema, type AuditEntry } from '../../src/contract/fleet/audit.ts';
import { robotClipsSchema } from '../../src/contract/fleet/clips.ts';
import { makeToken } from '../../src/fleet/access/token.ts';
import { ClipFetcher } from '../../src/fleet/clips/clip-fetcher.ts';
import { FleetMetrics } from '../../src/fleet/metrics/fleet-metrics.ts';
import { listenHttp, type FleetHttp } from '../../src/fleet/service/http.ts';
import type { Database } from '../../src/fleet/store/database.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { addToken } from '../../src/fleet/store/tokens.ts';
import { sha256Of } from '../../src/platform/digest.ts';
import { BYTES, CLIP } from './clips/offered-clip.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { message } from './support/fleet-message.ts';
import { startFleetStore } from './support/fleet-store.ts';
import { idleFleet } from './support/idle-fleet.ts';

const folder = makeFleetFolder();
const clips = join(folder.path, 'clips');
const OWN = join(clips, 'yard/r7/detector');
const PATH = '/api/v1/robots/yard/r7/clips';
/** More than the system holds for a client that does not read. */
const LARGE = Buffer.alloc(64 << 20, BYTES);
const open: { close(): Promise<void> }[] = [];
let database: Database;
let fetcher: ClipFetcher;
let fleet: FleetHttp;
let bare: FleetHttp;
let operator = '';

async function tokenFor(role: Role): Promise<string> {
  const { text, key } = makeToken();
  const made = { ...key, name: `the ${role}`, role, expiresAt: null };
  await addToken(database, made, { actor: 'test', role: null, address: 'local' });
  return text;
}

/** A fleet's server on the database of this file. */
async function serve(kept: ClipFetcher): Promise<FleetHttp> {
  const idle = idleFleet();
  const http = await listenHttp(
    { host: '127.0.0.1', port: 0, allowedHosts: [], rateLimit: 1_000 },
    {
      database,
      ingestor: { ...idle.ingestor, links: () => [] },
      jobs: { reasons: () => [] },
      metrics: new FleetMetrics(() => idle),
      clips: kept,
      say: () => undefined,
    },
  );
  open.push(http);
  return http;
}

interface Asked {
  readonly token?: string | null;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly at?: FleetHttp;
}

/** A path as it is: fetch would take `..` out. */
async function get(path: string, { token = operator, method = 'GET', headers = {}, at = fleet }: Asked = {}) {
  const { hostname, port } = new URL(at.url);
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const asked = request({ hostname, port, path, method, headers: { ...authorization, ...headers } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

async function ask(path: string, asked: Asked = {}) {
  const answer = await get(path, asked);
  return { status: answer.statusCode, headers: answer.headers, body: await buffer(answer) };
}

const file = (clip: string): string => `${PATH}/${clip}/file`;
const codeIn = (body: Buffer): string =>
  (JSON.parse(body.toString()) as { error: string }).error.split(':')[0]!;

async function downloadsNoted(): Promise<AuditEntry[]> {
  const { body } = await ask('/api/v1/audit?search=clip.download');
  return auditSchema.parse(JSON.parse(body.toString())).entries;
}

async function keep(name: string, bytes: Buffer, at = OWN): Promise<string> {
  const path = join(at, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

beforeAll(async () => {
  const store = await startFleetStore(join(folder.path, 'fleet'));
  open.push(store);
  ({ database } = store);
  const large = { bytes: LARGE.length, sha256: sha256Of(LARGE) };
  const offers = [
    ...['one', 'other', 'linked', 'shorter', 'coming'].map((clip) => ({ ...CLIP, clip })),
    ...['large', 'next'].map((clip) => ({ ...CLIP, clip, ...large })),
  ];
  await new MessageStore(database).store(
    offers.map((clip, id) =>
      message('r7', randomUUID(), id, { stream: 'clip', json: Buffer.from(JSON.stringify(clip)) }),
    ),
  );
  const options = { budgetBytes: 1.5 * LARGE.length, nowMs: () => performance.now(), say: () => undefined };
  fetcher = new ClipFetcher({ ...options, folder: clips });
  fleet = await serve(fetcher);
  bare = await serve(new ClipFetcher({ ...options, folder: null }));
  operator = await tokenFor('operator');
});
beforeEach(async () => {
  await rm(clips, { recursive: true, force: true });
});
afterAll(async () => {
  for (const one of open.reverse()) await one.close();
  folder.remove();
});

describe('a clip that was fetched', () => {
  it('is downloaded whole, with its name, its length and its digest, and the audit says by whom', async () => {
    await keep('one.mcap', BYTES);
    const before = await downloadsNoted();
    const { status, headers, body } = await ask(file('one'));
    expect([status, body.equals(BYTES)]).toEqual([200, true]);
    expect(headers).toMatchObject({
      'content-type': 'application/vnd.mcap',
      'content-disposition': 'attachment; filename="one.mcap"',
      'content-length': String(BYTES.length),
      'accept-ranges': 'bytes',
      'cache-control': 'no-store',
      etag: `"${CLIP.sha256}"`,
      'repr-digest': `sha-256=:${Buffer.from(CLIP.sha256, 'hex').toString('base64')}:`,
      'x-content-type-options': 'nosniff',
    });
    const [noted, ...earlier] = await downloadsNoted();
    expect(earlier).toEqual(before);
    expect(noted).toMatchObject({
      actor: 'the operator',
      role: 'operator',
      from: '127.0.0.1',
      action: 'clip.download',
      target: 'yard/r7',
      before: null,
      after: { node: 'detector', clip: 'one', from: 0, bytes: BYTES.length },
    });
  });

  it('goes on where a download broke off, if it is still the same', async () => {
    await keep('one.mcap', BYTES);
    const etag = `"${CLIP.sha256}"`;
    const rest = await ask(file('one'), { headers: { range: 'bytes=40000-', 'if-range': etag } });
    expect([rest.status, rest.body.equals(BYTES.subarray(40_000))]).toEqual([206, true]);
    expect(rest.headers).toMatchObject({
      'content-range': `bytes 40000-99999/${String(BYTES.length)}`,
      'content-length': '60000',
    });
    expect((await downloadsNoted())[0]?.after).toMatchObject({ from: 40_000, bytes: 60_000 });
    const middle = await ask(file('one'), { headers: { range: 'bytes=10-19' } });
    expect([middle.status, middle.body.equals(BYTES.subarray(10, 20))]).toEqual([206, true]);
    const another = await ask(file('one'), { headers: { range: 'bytes=40000-', 'if-range': '"other"' } });
    expect([another.status, another.body.length]).toEqual([200, BYTES.length]);
  });

  it('is not sent to who has it, asks for none of its bytes, or for its head alone; the audit names none', async () => {
    await keep('one.mcap', BYTES);
    const before = await downloadsNoted();
    const known = await ask(file('one'), { headers: { 'if-none-match': `"${CLIP.sha256}"` } });
    expect([known.status, known.body.length, known.headers['etag']]).toEqual([304, 0, `"${CLIP.sha256}"`]);
    const beyond = await ask(file('one'), { headers: { range: 'bytes=100000-' } });
    expect([beyond.status, codeIn(beyond.body)]).toEqual([416, 'GOSHAWK_RANGE_REFUSED']);
    expect(beyond.headers['content-range']).toBe(`bytes */${String(BYTES.length)}`);
    const head = await ask(file('one'), { method: 'HEAD', headers: { range: 'bytes=5-' } });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(head.headers).toMatchObject({
      'content-type': 'application/vnd.mcap',
      'content-length': String(BYTES.length),
      etag: `"${CLIP.sha256}"`,
    });
    expect(await downloadsNoted()).toEqual(before);
  });

  it('goes to operators only: it may show people, and a viewer may be a screen on a wall', async () => {
    await keep('one.mcap', BYTES);
    const before = await downloadsNoted();
    const refused = await ask(file('one'), { token: await tokenFor('viewer') });
    expect([refused.status, codeIn(refused.body)]).toEqual([403, 'GOSHAWK_ROLE_REFUSED']);
    const nobody = await ask(file('one'), { token: null });
    expect([nobody.status, codeIn(nobody.body)]).toEqual([401, 'GOSHAWK_TOKEN_MISSING']);
    expect((await ask(file('one'), { token: await tokenFor('release-manager') })).status).toBe(200);
    expect(await downloadsNoted()).toHaveLength(before.length + 1);
  });

  it('is sent to its end though it has to make room meanwhile', async () => {
    await keep('large.mcap', LARGE);
    const answer = await get(file('large'));
    expect(answer.statusCode).toBe(200);
    const asked = await fetch(`${fleet.url}${PATH}/next/fetch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(asked.status).toBe(200);
    expect((await ask(file('large'))).status).toBe(409);
    expect(sha256Of(await buffer(answer))).toBe(sha256Of(LARGE));
  });
});

describe('a clip that is not here', () => {
  const refusalOf = async (path: string, asked?: Asked) => {
    const { status, body, headers } = await ask(path, asked);
    expect(headers['content-disposition']).toBeUndefined();
    return [status, codeIn(body)];
  };

  it('is refused by why: unknown, not fetched, on its way, removed, of another length, or kept nowhere', async () => {
    expect(await refusalOf(file('nobody-knows-it'))).toEqual([404, 'GOSHAWK_CLIP_UNKNOWN']);
    expect(await refusalOf('/api/v1/robots/yard/r8/clips/one/file')).toEqual([404, 'GOSHAWK_ROBOT_UNKNOWN']);
    expect(await refusalOf(file('one'))).toEqual([409, 'GOSHAWK_CLIP_NOT_HERE']);
    expect(await refusalOf(file('one'), { at: bare })).toEqual([409, 'GOSHAWK_CLIPS_OFF']);
    const path = await keep('one.mcap', BYTES);
    expect((await ask(file('one'))).status).toBe(200);
    await rm(path);
    expect(await refusalOf(file('one'))).toEqual([409, 'GOSHAWK_CLIP_NOT_HERE']);
    await keep('coming.mcap.part', BYTES.subarray(0, 5_000));
    expect(await refusalOf(file('coming'))).toEqual([409, 'GOSHAWK_CLIP_NOT_HERE']);
    await keep('shorter.mcap', BYTES.subarray(1));
    expect((await ask(file('shorter'))).body.toString()).toContain('not as long as the robot said');
    expect(await refusalOf(file('shorter'))).toEqual([409, 'GOSHAWK_CLIP_NOT_HERE']);
  });

  it('is no path, and no other file of the folder', async () => {
    await keep('secret', BYTES);
    await keep('secret.mcap', BYTES);
    await keep('other.mcap', BYTES, join(clips, 'yard/r9/detector'));
    expect(await refusalOf(file('secret'))).toEqual([404, 'GOSHAWK_CLIP_UNKNOWN']);
    expect(await refusalOf(file('other'))).toEqual([409, 'GOSHAWK_CLIP_NOT_HERE']);
    for (const name of ['..%2Fdetector%2Fone', '%2Fetc%2Fpasswd', '..', '.', 'one.mcap', 'one%00'])
      expect((await ask(file(name))).status, name).toBe(400);
    for (const name of ['../detector/one', '../../../../etc/passwd'])
      expect((await ask(file(name))).status, name).toBe(404);
    for (const site of ['..', '%2e%2e', 'yard%2F..'])
      expect((await ask(`/api/v1/robots/${site}/r7/clips/one/file`)).status, site).toBe(400);
  });

  it('is what a link leads to, in the place of the clip or above it', async () => {
    const outside = await keep('outside.mcap', BYTES, folder.path);
    await mkdir(OWN, { recursive: true });
    await symlink(outside, join(OWN, 'linked.mcap'));
    expect(await refusalOf(file('linked'))).toEqual([409, 'GOSHAWK_CLIP_NOT_HERE']);
    const listed = robotClipsSchema.parse(JSON.parse((await ask(PATH)).body.toString())).clips;
    expect(listed.find(({ clip }) => clip.clip === 'linked')?.transfer.state).toBe('offered');
    await rm(OWN, { recursive: true });
    await keep('one.mcap', BYTES, join(folder.path, 'elsewhere'));
    await symlink(join(folder.path, 'elsewhere'), OWN);
    expect(await refusalOf(file('one'))).toEqual([409, 'GOSHAWK_CLIP_NOT_HERE']);
  });
});

describe('a clip that is asked for too often', () => {
  it('has four places for a token; a head says so too, and the code says when to come back', async () => {
    await keep('large.mcap', LARGE);
    const running = await Promise.all([0, 1, 2, 3].map(() => get(file('large'))));
    expect(running.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
    const refused = await ask(file('large'));
    expect([refused.status, codeIn(refused.body)]).toEqual([503, 'GOSHAWK_DOWNLOADS_TAKEN']);
    expect(refused.headers['retry-after']).toBe('30');
    expect((await ask(file('large'), { method: 'HEAD' })).status).toBe(503);
    for (const answer of running) answer.destroy();
    await expect.poll(async () => (await ask(file('large'), { method: 'HEAD' })).status).toBe(200);
  });
});
