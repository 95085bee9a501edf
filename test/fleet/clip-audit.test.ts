import { randomUUID } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/contract/fleet/access.ts';
import { auditSchema, type AuditEntry } from '../../src/contract/fleet/audit.ts';
import { makeToken } from '../../src/fleet/access/token.ts';
import { ClipFetcher } from '../../src/fleet/clips/clip-fetcher.ts';
import { FleetMetrics } from '../../src/fleet/metrics/fleet-metrics.ts';
import { listenHttp, type FleetHttp } from '../../src/fleet/service/http.ts';
import type { Database } from '../../src/fleet/store/database.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { addToken } from '../../src/fleet/store/tokens.ts';
import { BYTES, CLIP } from './clips/offered-clip.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { message } from './support/fleet-message.ts';
import { startFleetStore } from './support/fleet-store.ts';
import { idleFleet } from './support/idle-fleet.ts';

const folder = makeFleetFolder();
const clips = join(folder.path, 'clips');
const HOUR_MS = 3_600_000;
const open: { close(): Promise<void> }[] = [];
const lines: string[] = [];
let database: Database;
let fleet: FleetHttp;

async function tokenFor(role: Role): Promise<string> {
  const { text, key } = makeToken();
  const made = { ...key, name: `the ${role}`, role, expiresAt: null };
  await addToken(database, made, { actor: 'test', role: null, address: 'local' });
  return text;
}

async function ask(token: string, clip: string, body: object = {}): Promise<number> {
  const answer = await fetch(`${fleet.url}/api/v1/robots/yard/r7/clips/${clip}/fetch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await answer.text();
  return answer.status;
}

async function fetchesNoted(token: string): Promise<AuditEntry[]> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${fleet.url}/api/v1/audit?search=clip.fetch`, { headers });
  return auditSchema.parse(await answer.json()).entries;
}

/** A file of another robot's clip in the fleet's folder: half as large as the offered one. */
async function keep(name: string, ageHours: number): Promise<void> {
  const path = join(clips, 'yard/r9/run', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.alloc(BYTES.length / 2));
  const at = new Date(Date.now() - ageHours * HOUR_MS);
  await utimes(path, at, at);
}

const kept = async (): Promise<string[]> =>
  (await readdir(clips, { recursive: true })).filter((name) => name.includes('.')).sort();

beforeAll(async () => {
  const store = await startFleetStore(join(folder.path, 'fleet'));
  open.push(store);
  ({ database } = store);
  const offers = ['first', 'second', 'third'].map((clip, id) =>
    message('r7', randomUUID(), id, { stream: 'clip', json: Buffer.from(JSON.stringify({ ...CLIP, clip })) }),
  );
  await new MessageStore(database).store(offers);
  const fetcher = new ClipFetcher({
    folder: clips,
    budgetBytes: 2 * BYTES.length,
    nowMs: () => performance.now(),
    say: (line) => lines.push(line),
  });
  const idle = idleFleet();
  fleet = await listenHttp(
    { host: '127.0.0.1', port: 0, allowedHosts: [] },
    {
      database,
      ingestor: { ...idle.ingestor, links: () => [] },
      jobs: { reasons: () => [] },
      metrics: new FleetMetrics(() => idle),
      clips: fetcher,
      say: () => undefined,
    },
  );
  open.push(fleet);
});
afterAll(async () => {
  for (const one of open.reverse()) await one.close();
  folder.remove();
});

describe('the audit of a clip that is fetched', () => {
  it('names who asked and what was removed to keep the budget; a refused one removes nothing', async () => {
    const [operator, viewer] = [await tokenFor('operator'), await tokenFor('viewer')];
    await keep('oldest.mcap', 90);
    await keep('older.mcap.part', 80);
    await keep('old.mcap', 70);
    await keep('newest.mcap', 60);
    const all = await kept();
    expect(await ask(viewer, 'first')).toBe(403);
    expect(await ask(operator, 'nobody-knows-it')).toBe(404);
    expect([await kept(), await fetchesNoted(operator)]).toEqual([all, []]);

    expect(await ask(operator, 'first')).toBe(200);
    const noted = {
      actor: 'the operator',
      role: 'operator',
      from: '127.0.0.1',
      action: 'clip.fetch',
      target: 'yard/r7',
      before: null,
    };
    const after = { node: 'detector', putAt: null };
    const first = { ...after, clip: 'first', removed: ['yard/r9/run/oldest', 'yard/r9/run/older'] };
    expect(await fetchesNoted(operator)).toEqual([expect.objectContaining({ ...noted, after: first })]);
    expect(await kept()).toEqual(['yard/r9/run/newest.mcap', 'yard/r9/run/old.mcap']);
    expect(lines).toEqual([
      'removed clip yard/r9/run/oldest to make room for yard/r7/detector/first',
      'removed clip yard/r9/run/older to make room for yard/r7/detector/first',
    ]);

    expect(await ask(operator, 'second')).toBe(200);
    const second = { ...after, clip: 'second', removed: ['yard/r9/run/old', 'yard/r9/run/newest'] };
    expect(await ask(operator, 'third')).toBe(409);
    expect(await ask(operator, 'first')).toBe(200);
    const entries = await fetchesNoted(operator);
    expect(entries.map((entry) => entry.after)).toEqual([
      { ...after, clip: 'first', removed: [] },
      second,
      first,
    ]);
    expect(await kept()).toEqual([]);
  });
});
