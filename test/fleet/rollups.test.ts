import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LATENCY_EDGES_MS } from '../../src/contract/telemetry/shapes.ts';
import { addCameraRollups } from '../../src/core/rollup/camera-rollup.ts';
import { readRobotHistory } from '../../src/fleet/api/history.ts';
import { RobotBoard } from '../../src/fleet/board/robot-board.ts';
import { selectRobots } from '../../src/fleet/board/select.ts';
import { LatestCollector } from '../../src/fleet/latest/collector.ts';
import { newsOf } from '../../src/fleet/latest/news.ts';
import { makeDueRollups, rollupLagSeconds } from '../../src/fleet/rollup/rollup-store.ts';
import { keyAt, ofWindows, rollUp, type RollupRows } from '../../src/fleet/rollup/roll-up.ts';
import type { Window } from '../../src/fleet/rollup/of-window.ts';
import { rollupBucketOf } from '../../src/fleet/rollup/window-times.ts';
import type { Database } from '../../src/fleet/store/database.ts';
import type { FleetMessage } from '../../src/fleet/store/fleet-message.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { ensurePartitions, listPartitions } from '../../src/fleet/store/partitions.ts';
import { dropOldPartitions } from '../../src/fleet/store/retention.ts';
import {
  CAMERA_COLUMNS,
  cameraRowOf,
  HOST_COLUMNS,
  hostRowOf,
  type RollupKey,
  type Step,
  type StoredCamera,
  type StoredHost,
} from '../../src/fleet/store/rollup-rows.ts';
import { readLedger } from '../../src/fleet/store/read-ledger.ts';
import { dyingDatabase } from './support/dying-database.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { startFleetStore, type FleetStore } from './support/fleet-store.ts';
import { storedWindows } from './support/stored-windows.ts';

const DAY_MS = 86_400_000;
/** Noon of the day on which the test begins, by whatever clock. */
const NOON = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
/** All that was stored is due by then. */
const LATER = new Date(Date.now() + 10 * DAY_MS);
const FLEET_WIDE = { messages: 14, fiveMinutes: 90, hours: 730 };

const folder = makeFleetFolder();
let fleet: FleetStore;
let database: Database;
let store: MessageStore;

beforeAll(async () => {
  fleet = await startFleetStore(join(folder.path, 'fleet'));
  ({ database } = fleet);
  store = new MessageStore(database);
});
afterAll(async () => {
  await fleet.close();
  folder.remove();
});

/** One window: of which time, with how many frames, received on which day. */
interface Spoken {
  readonly boot: string;
  readonly first: number;
  readonly last: number;
  /** of its start, from noon, in units of 10 s */
  readonly at: number;
  readonly frames: number;
  readonly camera: string;
  /** of receipt, from today */
  readonly day: number;
}

function windowOf({ first, last, at, frames, camera }: Spoken): Window {
  const startMs = NOON + at * 10_000;
  const counts = [...LATENCY_EDGES_MS, 0].map((_edge, bucket) => (bucket === frames % 26 ? frames : 0));
  return {
    window: {
      start: new Date(startMs).toISOString(),
      end: new Date(startMs + (last - first + 1) * 10_000).toISOString(),
    },
    bundle: null,
    cameras: [
      {
        camera,
        received: frames + 2,
        published: frames,
        drops: { superseded: 2, ['__proto__']: frames % 2 },
        inFlight: 0,
        fps: { in: 1, out: 1 },
        latency: { edgesMs: [...LATENCY_EDGES_MS], counts, sumMs: frames },
      },
    ],
    process: { residentBytes: frames, eventLoopDelayP99Ms: 0 },
    host: { cpuRatio: (frames % 10) / 10, temperatureCelsius: { cpu: frames, gpu: 1 } },
  };
}

function messageOf(robot: string, spoken: Spoken): FleetMessage {
  const receivedMs = NOON + spoken.day * DAY_MS;
  return {
    sender: { site: 'yard', robot, node: 'detector' },
    stream: 'metrics',
    bootId: spoken.boot,
    bootCount: null,
    firstId: spoken.first,
    lastId: spoken.last,
    atMs: NOON,
    receivedMs,
    historical: false,
    json: Buffer.from(JSON.stringify(windowOf(spoken))),
    bucketMs: rollupBucketOf(windowOf(spoken)),
    declares: null,
    latest: null,
  };
}

async function rowsOf(robot: string, step: Step): Promise<RollupRows> {
  const from = (table: string): string => `from fleet.${table}_${step} where sender =
    (select id from fleet.senders where robot = $1)`;
  const cameras = await database.query<StoredCamera>({
    text: `select ${CAMERA_COLUMNS} ${from('cameras')} order by bucket, day, camera`,
    values: [robot],
  });
  const hosts = await database.query<StoredHost>({
    text: `select ${HOST_COLUMNS} ${from('hosts')} order by bucket, day`,
    values: [robot],
  });
  return { cameras: cameras.map(cameraRowOf), hosts: hosts.map(hostRowOf) };
}

/** Rollups from all messages that there are, without jobs, buckets or days being marked. */
async function recomputed(robot: string): Promise<Record<Step, RollupRows>> {
  const rows = await storedWindows<Window>(database, robot);
  const keyed = rows.map((row) => ({
    ...row,
    ...keyAt('5m', { ...row, bucketMs: Date.parse(row.window.window.start) }),
  }));
  const fiveMinutes = rollUp('5m', ofWindows(keyed));
  return { '5m': sorted(fiveMinutes), '1h': sorted(rollUp('1h', sorted(fiveMinutes))) };
}

function sorted({ cameras, hosts }: RollupRows): RollupRows {
  const text = (key: RollupKey & { camera?: string }): string =>
    `${String(key.bucketMs).padStart(16)} ${key.day} ${key.camera ?? ''}`;
  const byKey = (one: RollupKey, other: RollupKey): number => (text(one) < text(other) ? -1 : 1);
  return { cameras: [...cameras].sort(byKey), hosts: [...hosts].sort(byKey) };
}

async function jobsOf(robot: string): Promise<number> {
  const [row] = await database.query<{ jobs: number }>({
    text: `select count(*) as jobs from fleet.rollup_jobs j join fleet.senders s on s.id = j.sender where s.robot = $1`,
    values: [robot],
  });
  return row?.jobs ?? 0;
}

async function makeAll(): Promise<void> {
  while ((await makeDueRollups(database, LATER)) > 0);
}

const boots = [randomUUID(), randomUUID()];
const spokenOf = fc
  .record({
    boot: fc.constantFrom(...boots),
    first: fc.nat(12),
    span: fc.nat(3),
    at: fc.integer({ min: -400, max: 400 }),
    frames: fc.nat(300),
    camera: fc.constantFrom('front', 'rear'),
    day: fc.integer({ min: -1, max: 1 }),
  })
  .map(({ span, ...spoken }): Spoken => ({ ...spoken, last: spoken.first + span }));
const stepOf = fc.oneof(
  { weight: 6, arbitrary: spokenOf.map((spoken) => ({ kind: 'store' as const, spoken })) },
  { weight: 1, arbitrary: fc.nat(8).map((statements) => ({ kind: 'killed' as const, statements })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'two' as const }) },
);

describe('rollups', () => {
  it('are those of all messages, whatever comes, in whatever order, and whoever is killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepOf, { minLength: 1, maxLength: 25 }), async (steps) => {
        const robot = randomUUID();
        for (const step of steps)
          if (step.kind === 'store') await store.store([messageOf(robot, step.spoken)]);
          else if (step.kind === 'killed')
            await makeDueRollups(dyingDatabase(database, step.statements), LATER).catch(() => undefined);
          else await Promise.all([makeDueRollups(database, LATER), makeDueRollups(database, LATER)]);
        await makeAll();
        const expected = await recomputed(robot);
        expect(await rowsOf(robot, '5m')).toEqual(expected['5m']);
        expect(await rowsOf(robot, '1h')).toEqual(expected['1h']);
      }),
      { numRuns: 40 },
    );
    expect(await rollupLagSeconds(database)).toBe(0);
  });

  it('have what a robot said, with a merged window in the place of what it replaces', async () => {
    const one = { boot: randomUUID(), camera: 'front', frames: 100, day: 0, at: 0 };
    const robot = randomUUID();
    await store.store([
      messageOf(robot, { ...one, first: 0, last: 0 }),
      messageOf(robot, { ...one, first: 1, last: 1, at: 1 }),
    ]);
    await makeAll();
    await store.store([
      messageOf(robot, { ...one, first: 1, last: 2, frames: 250, at: 1 }),
      messageOf(robot, { ...one, first: 3, last: 3, at: 30, day: 1 }),
    ]);
    await makeAll();
    const { cameras, hosts } = await rowsOf(robot, '5m');
    expect(
      cameras.map(({ bucketMs, published, coveredMs }) => [bucketMs - NOON, published, coveredMs]),
    ).toEqual([
      [0, 350, 30_000],
      [300_000, 100, 10_000],
    ]);
    expect(cameras[0]).toMatchObject({ received: 354, drops: { superseded: 4 }, untilMs: NOON + 30_000 });
    expect(hosts[0]?.values['temperatureCelsius']).toMatchObject({ min: 100, max: 250, weight: 30_000 });
    const hours = (await rowsOf(robot, '1h')).cameras;
    expect(hours.map(({ published }) => published)).toEqual([350, 100]);
    expect(addCameraRollups(hours)?.latency.counts.reduce((sum, count) => sum + count, 0)).toBe(450);
  });

  it('are not made by two at once: who comes second leaves them alone', async () => {
    const robot = randomUUID();
    await store.store([
      messageOf(robot, { boot: randomUUID(), camera: 'a', frames: 1, day: 0, at: 0, first: 0, last: 0 }),
    ]);
    await database.transaction(async (session) => {
      await session.query({
        text: 'select 1 from fleet.senders where robot = $1 for no key update',
        values: [robot],
      });
      expect(await makeDueRollups(database, LATER)).toBe(0);
    });
    expect(await makeDueRollups(database, LATER)).toBe(1);
  });

  it('of those who have waited longest come first', async () => {
    const robots = Array.from({ length: 21 }, () => randomUUID());
    const one = { boot: randomUUID(), camera: 'a', frames: 1, day: 0, at: 0, first: 0, last: 0 };
    for (const robot of robots) await store.store([messageOf(robot, one)]);
    await database.query({
      text: `update fleet.rollup_jobs set ready_at = ready_at - interval '1 day'
        where sender = (select id from fleet.senders where robot = $1)`,
      values: [robots.at(-1)],
    });
    await makeDueRollups(database, LATER);
    expect(await jobsOf(robots.at(-1)!)).toBe(0);
    await makeAll();
  });

  it('wait until a transaction that relies on their job has committed', async () => {
    const robot = randomUUID();
    const one = { boot: randomUUID(), camera: 'a', frames: 10, day: 0, at: 0 };
    await store.store([messageOf(robot, { ...one, first: 0, last: 0 })]);
    await database.transaction(async (session) => {
      await store.store([messageOf(robot, { ...one, first: 1, last: 1, at: 1 })], session);
      expect(await makeDueRollups(database, LATER)).toBe(0);
    });
    expect(await jobsOf(robot)).toBe(1);
    await makeAll();
    expect((await rowsOf(robot, '5m')).cameras.map(({ published }) => published)).toEqual([20]);
  });

  it('are asked for again while somebody has their job, without waiting for it', async () => {
    const robot = randomUUID();
    const one = { boot: randomUUID(), camera: 'a', frames: 10, day: 0, at: 0 };
    await store.store([messageOf(robot, { ...one, first: 0, last: 0 })]);
    await database.transaction(async (session) => {
      await session.query('select 1 from fleet.rollup_jobs for update');
      await store.store([messageOf(robot, { ...one, first: 1, last: 1, at: 1 })]);
    });
    expect(await jobsOf(robot)).toBe(2);
    await makeAll();
    expect((await rowsOf(robot, '5m')).cameras.map(({ published }) => published)).toEqual([20]);
  });

  it('do not count again what was rolled up and dropped, when it comes in a merged window', async () => {
    const [robot, whole] = [randomUUID(), randomUUID()];
    const day = -20;
    await ensurePartitions(database, NOON + day * DAY_MS);
    const one = { boot: randomUUID(), camera: 'a', frames: 10, at: 0 };
    for (const name of [robot, whole])
      await store.store([
        messageOf(name, { ...one, day, first: 0, last: 0 }),
        messageOf(name, { ...one, day: name === robot ? day : 0, first: 1, last: 1, at: 1 }),
      ]);
    await makeAll();
    await dropOldPartitions(database, FLEET_WIDE, Date.now());
    // of one, a part is gone; of the other, the part is still there and is replaced
    await store.store([messageOf(robot, { ...one, day: 0, first: 1, last: 3, at: 1, frames: 30 })]);
    await store.store([messageOf(whole, { ...one, day: 0, first: 1, last: 3, at: 1, frames: 30 })]);
    await makeAll();
    const published = async (name: string) =>
      (await rowsOf(name, '1h')).cameras.map((camera) => camera.published);
    expect([await published(robot), await published(whole)]).toEqual([[20], [10, 30]]);
    const { entries, undeclaredHoles } = await readLedger(database, { robot }, new Date());
    expect([undeclaredHoles, entries[0]?.stored]).toEqual([0, [[0, 3]]]);
  });

  it('outlive their messages, which are dropped by age, once they are made; the ledger stays', async () => {
    const robot = randomUUID();
    const day = -20;
    await ensurePartitions(database, NOON + day * DAY_MS);
    const spoken = { boot: randomUUID(), camera: 'a', frames: 7, day, at: 0, first: 0, last: 0 };
    await store.store([messageOf(robot, spoken)]);
    const drop = () => dropOldPartitions(database, FLEET_WIDE, Date.now());
    // weeks of other tables may wait, too, as the day of the week has it
    expect((await drop()).waiting.filter((name) => name.startsWith('messages'))).toHaveLength(1);
    await makeAll();
    expect((await drop()).dropped.length).toBeGreaterThan(0);
    expect((await rowsOf(robot, '5m')).cameras.map(({ published }) => published)).toEqual([7]);
    const ledger = await readLedger(database, { robot }, new Date());
    expect([ledger.undeclaredHoles, ledger.entries[0]?.stored]).toEqual([0, [[0, 0]]]);
    expect(ledger.messagesSince).toBe(
      new Date(NOON - FLEET_WIDE.messages * DAY_MS).toISOString().slice(0, 10),
    );
    // its rollup is not made from nothing when another message of that time comes late
    await store.store([messageOf(robot, { ...spoken, first: 1, last: 1, frames: 5, day: 0 })]);
    await makeAll();
    expect((await rowsOf(robot, '1h')).cameras.map(({ published }) => published)).toEqual([7, 5]);
    await dropOldPartitions(database, FLEET_WIDE, NOON + 120 * DAY_MS);
    expect((await listPartitions(database)).filter(({ table }) => table === 'cameras_5m')).toHaveLength(0);
    expect((await rowsOf(robot, '1h')).cameras).toHaveLength(2);
    await ensurePartitions(database, Date.now());
  });
});

describe('a history', () => {
  const robot = `history-${randomUUID()}`;
  const only = { site: 'yard', robot };
  const now = new Date(NOON + 3_600_000);
  const boot = randomUUID();

  beforeAll(async () => {
    const one = { boot, camera: 'front', frames: 100, day: 0 };
    const gap: FleetMessage = {
      ...messageOf(robot, { ...one, first: 0, last: 0, at: 0 }),
      stream: 'gap',
      json: Buffer.from('{}'),
      declares: { stream: 'metrics', bootId: boot, ranges: [[2, 3]] },
    };
    await store.store([
      messageOf(robot, { ...one, first: 0, last: 1, at: 0 }),
      messageOf(robot, { ...one, first: 4, last: 4, at: 60, frames: 300 }),
      messageOf(robot, { ...one, first: 6, last: 6, at: 180 }),
      gap,
    ]);
    await makeAll();
  });

  it.each([
    [
      2,
      '10s',
      60,
      [
        [0, 60, 20],
        [600, 660, 10],
        [1_800, 1_860, 10],
      ],
    ],
    [
      24,
      '5m',
      300,
      [
        [0, 300, 20],
        [600, 900, 10],
        [1_800, 2_100, 10],
      ],
    ],
    [720, '1h', 3_600, [[0, 3_600, 40]]],
  ])('of %i hours comes from %s', async (hours, source, stepSeconds, expected) => {
    const points = (hours * 3_600) / stepSeconds;
    const { cameras, hosts, ...rest } = await readRobotHistory(database, only, { hours, points }, now);
    expect(rest).toMatchObject({ source, stepSeconds });
    const seconds = (time: string): number => (Date.parse(time) - NOON) / 1_000;
    expect(cameras.map(({ node, camera }) => [node, camera])).toEqual([['detector', 'front']]);
    expect(
      cameras[0]?.points.map((point) => [seconds(point.start), seconds(point.end), point.seconds]),
    ).toEqual(expected);
    expect(cameras[0]?.points.reduce((sum, { published }) => sum + published, 0)).toBe(500);
    expect(hosts[0]?.points.map(({ seconds: covered }) => covered)).toEqual(expected.map((row) => row[2]));
    expect(cameras[0]?.points[0]?.latencyMs?.count).toBe(hours === 720 ? 500 : 100);
  });

  it('says when windows are not here: declared lost, or missing', async () => {
    const { missing } = await readRobotHistory(database, only, { hours: 2, points: 120 }, now);
    const at = (tens: number): string => new Date(NOON + tens * 10_000).toISOString();
    expect([...missing].sort((one, other) => (one.start < other.start ? -1 : 1))).toEqual([
      { node: 'detector', isDeclared: true, numbers: 2, start: at(2), end: at(60) },
      { node: 'detector', isDeclared: false, numbers: 1, start: at(61), end: at(180) },
    ]);
  });
});

describe('the board of all robots', () => {
  const silent = { stateOf: () => null };
  const spoken = { boot: randomUUID(), camera: 'front', frames: 30, day: 0, at: 0 };

  it('has what came last, by whichever ingestor and however late, the worst robot first', async () => {
    const [good, bad] = [`a-${randomUUID()}`, `b-${randomUUID()}`];
    const now = Date.now();
    const collectors = [new LatestCollector(), new LatestCollector()];
    const say = async (
      robot: string,
      last: number,
      more: Partial<FleetMessage>,
      by: number,
    ): Promise<void> => {
      const checked = {
        ...messageOf(robot, { ...spoken, first: last, last }),
        receivedMs: now,
        ...more,
      };
      const { stream, bootId, historical, receivedMs, json } = checked;
      const body = { ...(JSON.parse(Buffer.from(json).toString()) as Window), bootId, headerId: last };
      const latest = historical ? null : newsOf(stream, body as never, receivedMs);
      const message = { ...checked, latest };
      await store.store([message]);
      collectors[by]!.note([message]);
    };
    const state = { lifecycle: 'active', bundle: null, cameras: [], tags: { customer: 'acme' } };
    const board = new RobotBoard(database, silent);
    expect(await board.one('yard', good, new Date(now))).toBeNull();
    await say(good, 0, {}, 0);
    await say(good, 1, { historical: true }, 1);
    await say(good, 0, { stream: 'state', json: Buffer.from(JSON.stringify(state)) }, 1);
    await say(bad, 0, {}, 1);
    await say(bad, 7, {}, 1);
    for (const collector of collectors) expect(await collector.flush(database)).toBe(false);
    await say(good, 2, { receivedMs: now + 10 }, 1);
    // the acknowledgement was lost, and it comes again
    await say(good, 2, { receivedMs: now + 20 }, 1);
    await say(good, 0, { receivedMs: now + 20 }, 1);
    await collectors[1]!.flush(database);

    const later = new Date(now + 12_000);
    const robots = (await board.all(later)).filter(({ robot }) => robot === good || robot === bad);
    const { page, total } = selectRobots(
      robots,
      { search: '', order: 'trouble', limit: 10, offset: 0 },
      new Set(),
    );
    expect(page.map(({ robot, troubles }) => [robot, troubles.map(({ kind }) => kind)])).toEqual([
      [bad, ['holes']],
      [good, []],
    ]);
    expect(total).toBe(2);
    const known = selectRobots(
      [...robots, { ...robots[0]!, robot: 'c', troubles: page[0]!.troubles }],
      { search: '', order: 'trouble', limit: 10, offset: 0 },
      new Set([`yard/${bad}`]),
    );
    expect(known.page.map(({ robot }) => robot)).toEqual(['c', bad, good]);
    const one = robots.find(({ robot }) => robot === good);
    expect(one).toMatchObject({ liveness: 'online', tags: { customer: 'acme' }, fps: { out: 3 } });
    expect(one?.latencyMs?.count).toBe(60);
    const past = { search: 'customer=ACME', order: 'name', limit: 10, offset: 50 } as const;
    expect(selectRobots(robots, past, new Set())).toEqual({ total: 1, page: [] });

    const muchLater = new Date(now + 600_000);
    expect(await board.one('yard', good, muchLater)).toMatchObject({ liveness: 'silent', fps: null });
    await database.query({
      text: 'delete from fleet.ledger where sender in (select id from fleet.senders where robot = $1)',
      values: [good],
    });
    await database.query({ text: 'delete from fleet.senders where robot = $1', values: [good] });
    expect(await board.one('yard', good, new Date(now + 700_000))).toBeNull();
  });
});
