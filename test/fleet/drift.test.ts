import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  driftQuerySchema,
  mergedDriftSchema,
  robotDriftSchema,
  triageSchema,
} from '../../src/contract/fleet/drift.ts';
import { FeatureHistogram } from '../../src/core/drift/feature-counts.ts';
import { FEATURE_TABLE_VERSION, type FeatureName } from '../../src/core/drift/features.ts';
import { createRandom, mixSeeds } from '../../src/core/random.ts';
import { listDriftWindows } from '../../src/fleet/api/drift-windows.ts';
import { summarizeDrift } from '../../src/fleet/api/drift.ts';
import type { DriftWindow } from '../../src/fleet/rollup/of-drift.ts';
import { ofDriftWindows, rollUpDrift } from '../../src/fleet/rollup/roll-up-drift.ts';
import { rollupBucketOf } from '../../src/fleet/rollup/window-times.ts';
import { makeDueRollups, rollupLagSeconds } from '../../src/fleet/rollup/rollup-store.ts';
import type { Database } from '../../src/fleet/store/database.ts';
import {
  DRIFT_COLUMNS,
  driftKeyAt,
  driftRowOf,
  type DriftRow,
  type DriftStep,
  type StoredDrift,
} from '../../src/fleet/store/drift-rows.ts';
import type { FleetMessage } from '../../src/fleet/store/fleet-message.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { ensurePartitions, listPartitions } from '../../src/fleet/store/partitions.ts';
import { dropOldPartitions } from '../../src/fleet/store/retention.ts';
import { compareFleet } from '../../src/fleet/triage/compared-cameras.ts';
import { TriageDesk } from '../../src/fleet/triage/triage-desk.ts';
import { UsualCameras } from '../../src/fleet/triage/usual-cameras.ts';
import { readDriftHistory } from '../../src/tools/drift/report/history.ts';
import { dyingDatabase } from './support/dying-database.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { message } from './support/fleet-message.ts';
import { startFleetStore, type FleetStore } from './support/fleet-store.ts';
import { storedWindows } from './support/stored-windows.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Noon of the day on which the test begins, by whatever clock. */
const NOON = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
const LATER = new Date(Date.now() + 100 * DAY_MS);

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

type Means = Readonly<Partial<Record<FeatureName, number>>>;
type Camera = DriftWindow['cameras'][number];

function cameraOf(camera: string, means: Means, seed: number, more: Partial<Camera> = {}): Camera {
  const random = createRandom(seed);
  const features = Object.entries(means).map(([name, mean]) => {
    const histogram = new FeatureHistogram(name as FeatureName);
    for (let frame = 0; frame < 40; frame += 1) histogram.note(mean * (1 + 0.1 * random.bell()));
    return [name, histogram.read()!] as const;
  });
  return {
    camera,
    frames: 40,
    inGraph: 0,
    unmeasured: 0,
    late: 0,
    duplicate: 0,
    features: Object.fromEntries(features),
    classes: { person: 3 },
    agreement: null,
    ...more,
  };
}

function windowAt(startMs: number, digest: string, cameras: Camera[], ms = 60_000): DriftWindow {
  return {
    window: { start: new Date(startMs).toISOString(), end: new Date(startMs + ms).toISOString() },
    bundle: { name: 'street', version: digest, digest, variant: 'fp32', provider: 'cpu' },
    table: FEATURE_TABLE_VERSION,
    cameras,
  };
}

function messageOf(
  robot: string,
  boot: string,
  id: number,
  window: DriftWindow,
  more: Partial<FleetMessage> = {},
): FleetMessage {
  return message(robot, boot, id, {
    stream: 'drift',
    json: Buffer.from(JSON.stringify(window)),
    bucketMs: rollupBucketOf(window),
    ...more,
  });
}

async function makeAll(): Promise<void> {
  while ((await makeDueRollups(database, LATER)) > 0);
}

async function rowsOf(robot: string, step: DriftStep): Promise<DriftRow[]> {
  const rows = await database.query<StoredDrift>({
    text: `select ${DRIFT_COLUMNS} from fleet.drift_${step}
      where sender in (select id from fleet.senders where robot = $1)`,
    values: [robot],
  });
  return sorted(rows.map(driftRowOf));
}

const sorted = (rows: readonly DriftRow[]): DriftRow[] =>
  [...rows].sort((one, other) => (textOf(one) < textOf(other) ? -1 : 1));

const textOf = ({ bucketMs, day, camera, digest, table }: DriftRow): string =>
  JSON.stringify([String(bucketMs).padStart(16), day, camera, digest, table]);

/** Rollups from all messages that there are, without jobs, buckets or days being marked. */
async function recomputed(robot: string): Promise<Record<DriftStep, DriftRow[]>> {
  const rows = await storedWindows<DriftWindow>(database, robot);
  const keyed = rows.map((row) => ({
    ...row,
    ...driftKeyAt('5m', { ...row, bucketMs: Date.parse(row.window.window.start) }),
  }));
  const made = rollUpDrift('5m', ofDriftWindows(keyed));
  const hours = rollUpDrift('1h', made);
  return { '5m': sorted(made), '1h': sorted(hours), '1d': sorted(rollUpDrift('1d', hours)) };
}

const boots = [randomUUID(), randomUUID()];
const spokenOf = fc.record({
  boot: fc.constantFrom(...boots),
  first: fc.nat(12),
  span: fc.nat(2),
  minute: fc.integer({ min: -90, max: 90 }),
  digest: fc.constantFrom('1.0.0', '2.0.0'),
  camera: fc.constantFrom('front', 'rear'),
  brightness: fc.double({ min: 0, max: 1, noNaN: true }),
  day: fc.integer({ min: -1, max: 1 }),
});
const stepOf = fc.oneof(
  { weight: 6, arbitrary: spokenOf.map((spoken) => ({ kind: 'store' as const, spoken })) },
  { weight: 1, arbitrary: fc.nat(16).map((statements) => ({ kind: 'killed' as const, statements })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'two' as const }) },
);

const LONG = { sum: 1, first: 0, counts: Array.from({ length: 256 }, () => 1_000_000) };
const WILD_AGREEMENT = {
  consistency: { sum: 1, n: 1, claim: 'x' },
  reliability: { reliable: 1, total: 1 },
  claim: 'x',
};

describe('drift rollups', () => {
  it('are those of all messages, whatever comes, in whatever order, and whoever is killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepOf, { minLength: 1, maxLength: 20 }), async (steps) => {
        const robot = randomUUID();
        for (const step of steps)
          if (step.kind === 'store') {
            const { boot, first, span, minute, digest, camera, brightness, day } = step.spoken;
            const window = windowAt(NOON + minute * 60_000, digest, [
              cameraOf(camera, { brightness }, first),
            ]);
            await store.store([
              messageOf(robot, boot, first + span, window, {
                firstId: first,
                receivedMs: NOON + day * DAY_MS,
              }),
            ]);
          } else if (step.kind === 'killed')
            await makeDueRollups(dyingDatabase(database, step.statements), LATER).catch(() => undefined);
          else await Promise.all([makeDueRollups(database, LATER), makeDueRollups(database, LATER)]);
        await makeAll();
        const expected = await recomputed(robot);
        for (const step of ['5m', '1h', '1d'] as const)
          expect(await rowsOf(robot, step)).toEqual(expected[step]);
      }),
      { numRuns: 15 },
    );
    expect(await rollupLagSeconds(database)).toBe(0);
  });

  it('are bounded, whatever a robot claims, and of one table of features and one bundle each', async () => {
    const robot = randomUUID();
    const many = (count: number): Record<string, number> =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`label-${at}`, at + 1]));
    const wild = cameraOf('front', { brightness: 0.5 }, 1, { classes: many(500) });
    wild.features['contrast'] = { sum: 1, first: 200, counts: [1] };
    for (let at = 0; at < 100; at += 1) wild.features[`made_up_${at}`] = { sum: 1, first: 0, counts: [1] };
    const cameras = Array.from({ length: 80 }, (_, at) => cameraOf(`c${at}`, {}, at));
    await store.store([
      messageOf(robot, boots[0]!, 0, windowAt(NOON, '1.0.0', [wild])),
      messageOf(robot, boots[0]!, 1, { ...windowAt(NOON + 60_000, '1.0.0', [wild]), table: 999 }),
      messageOf(robot, boots[0]!, 2, windowAt(NOON + HOUR_MS, '1.0.0', cameras)),
      messageOf(robot, boots[0]!, 3, { ...windowAt(NOON, '', []), cameras: [wild], bundle: null }),
    ]);
    await makeAll();
    const rows = await rowsOf(robot, '5m');
    const [first] = rows.filter(({ digest, table }) => digest !== '' && table === FEATURE_TABLE_VERSION);
    expect(Object.keys(first!.drift.features).length).toBeLessThanOrEqual(64);
    expect(first!.drift.features['contrast']).toBeUndefined();
    expect(Object.values(first!.drift.classes).reduce((sum, count) => sum + count, 0)).toBe(125_250);
    expect(Object.keys(first!.drift.classes)).toHaveLength(65);
    expect(rows.filter(({ camera }) => camera === 'front')).toHaveLength(3);
    expect(rows.filter(({ bucketMs }) => bucketMs === NOON + HOUR_MS)).toHaveLength(65);
  });

  it('stay bounded when they are added, and have no field that the fleet does not know', async () => {
    const robot = randomUUID();
    const wilds = Array.from({ length: 40 }, (_, w) => {
      const classes = Object.fromEntries(Array.from({ length: 60 }, (_one, at) => [`${w}-${at}`, 1]));
      const made = Array.from({ length: 40 }, (_one, at) => [`made_up_${w}_${at}`, LONG] as const);
      const wild = cameraOf('front', { brightness: 0.5 }, w, { classes });
      const features = { ...Object.fromEntries(made), ...wild.features };
      const more = { ...wild, features, claim: 'x'.repeat(50_000), agreement: WILD_AGREEMENT };
      const others = [0, 1].map((at) => cameraOf(`c${w}-${at}`, {}, at));
      return windowAt(NOON + w * 6_000, '1.0.0', [more, ...others]);
    });
    const older = Array.from({ length: 20 }, (_, w) => windowAt(NOON, `0.${w}`, [cameraOf('front', {}, w)]));
    const windows = [...older, ...wilds];
    await store.store(windows.map((window, at) => messageOf(robot, boots[0]!, at, window)));
    await makeAll();
    for (const step of ['5m', '1h', '1d'] as const) {
      const rows = await rowsOf(robot, step);
      const front = rows.find(({ camera, digest }) => camera === 'front' && digest === '1.0.0')!;
      expect(JSON.stringify(front.drift).length).toBeLessThan(70_000);
      expect(JSON.stringify(front.drift)).not.toMatch(/claim/);
      expect(front.drift).toMatchObject({ frames: 1_600, features: { brightness: {} } });
      expect(Object.values(front.drift.classes).reduce((sum, count) => sum + count, 0)).toBe(2_400);
      expect(Object.keys(front.drift.classes).length).toBeLessThanOrEqual(65);
      expect(new Set(rows.map(({ camera }) => camera)).size).toBe(65);
      expect(new Set(rows.map(({ digest }) => digest)).size).toBe(16);
      expect(rows.some(({ digest }) => digest === '0.19')).toBe(true);
    }
  });

  it('are made of names that end in half of a character, and of tables of features with any number', async () => {
    const robot = randomUUID();
    const wide = `${'x'.repeat(199)}\u{1f985}`;
    const window = windowAt(NOON, wide, [cameraOf(wide, { brightness: 0.5 }, 1)]);
    await store.store([
      messageOf(robot, boots[0]!, 0, window),
      messageOf(robot, boots[0]!, 1, { ...window, table: 2 ** 40 }),
      messageOf(robot, boots[0]!, 2, { ...window, table: 2 ** 31 - 1 }),
    ]);
    const postponed: string[] = [];
    while ((await makeDueRollups(database, LATER, ({ reason }) => postponed.push(reason))) > 0);
    expect(postponed).toEqual([]);
    const rows = await rowsOf(robot, '1d');
    expect(rows.map(({ table, camera, digest, drift }) => [table, camera, digest, drift.frames])).toEqual([
      [FEATURE_TABLE_VERSION, 'x'.repeat(199), 'x'.repeat(199), 40],
      [2 ** 31 - 1, 'x'.repeat(199), 'x'.repeat(199), 80],
    ]);
  });

  it('that the database refuses are put off, and delay those of nobody', async () => {
    const [bad, good] = [randomUUID(), randomUUID()];
    const sent = (camera: string, atMs = NOON) => windowAt(atMs, '1.0.0', [cameraOf(camera, {}, 1)]);
    await store.store([
      messageOf(bad, boots[0]!, 0, sent('poison')),
      messageOf(bad, boots[0]!, 1, sent('front', NOON + HOUR_MS)),
      messageOf(good, boots[0]!, 0, sent('front')),
    ]);
    await database.query(
      "alter table fleet.drift_5m add constraint no_poison check (camera <> 'poison') not valid",
    );
    const postponed: string[] = [];
    const made = await makeDueRollups(database, LATER, ({ reason }) => postponed.push(reason));
    await database.query('alter table fleet.drift_5m drop constraint no_poison');
    expect([made, postponed]).toEqual([2, [expect.stringContaining('no_poison')]]);
    expect(await rowsOf(good, '5m')).toHaveLength(1);
    expect((await rowsOf(bad, '1d')).map(({ camera }) => camera)).toEqual(['front']);
    expect(await makeDueRollups(database, LATER)).toBe(0);
    expect(await makeDueRollups(database, new Date(LATER.getTime() + HOUR_MS))).toBe(1);
    expect(await rowsOf(bad, '5m')).toHaveLength(2);
  });

  it('outlive what they are made from', async () => {
    await ensurePartitions(database, NOON);
    const names = async (): Promise<string[]> => (await listPartitions(database)).map(({ table }) => table);
    const retention = { messages: 14, fiveMinutes: 90, hours: 730 };
    await makeAll();
    await dropOldPartitions(database, retention, NOON + 40 * DAY_MS);
    expect(await names()).not.toContain('messages');
    expect(await names()).not.toContain('drift_5m');
    expect(await names()).toEqual(expect.arrayContaining(['drift_1h', 'drift_1d']));
    await ensurePartitions(database, Date.now());
    // for the tests below, today is today
    await database.query('delete from fleet.retention');
  });
});

const USUAL: Means = {
  brightness: 0.5,
  contrast: 0.2,
  saturation: 0.3,
  sharpness: 20,
  noise: 2,
  confidence: 0.7,
  boxes: 6,
};
const FOGGY: Means = {
  ...USUAL,
  brightness: 0.65,
  contrast: 0.1,
  saturation: 0.12,
  sharpness: 9,
  confidence: 0.6,
};
const SITES = ['hall', 'yard'];

/** Two sites with three robots of two cameras: three weeks as usual, and now something else. */
async function storeWeeks(nowOf: (site: string, robot: string, camera: string) => Means): Promise<void> {
  const boot = randomUUID();
  const messages: FleetMessage[] = [];
  for (const [s, site] of SITES.entries())
    for (const n of [1, 2, 3])
      for (const [at, daysAgo] of [0, 1, 2, 8, 10, 12, 14, 16, 18, 20].entries()) {
        const robot = `${site}-${n}`;
        const seed = mixSeeds(s, n, daysAgo);
        const cameras = ['front', 'rear'].map((camera, c) =>
          cameraOf(camera, daysAgo === 0 ? nowOf(site, robot, camera) : USUAL, seed + c),
        );
        const window = windowAt(NOON - daysAgo * DAY_MS, '1.0.0', cameras);
        messages.push({
          ...messageOf(robot, boot, at, window, { receivedMs: NOON }),
          sender: { site, robot, node: 'detector' },
        });
      }
  await store.store(messages);
  await makeAll();
}

describe('what the fleet makes of drift', () => {
  const now = new Date(NOON + 20 * 60_000);
  beforeAll(() =>
    storeWeeks((site, _robot, camera) => (site === 'yard' && camera !== 'none' ? FOGGY : USUAL)),
  );

  it('names the site with its evidence', async () => {
    const report = triageSchema.parse(await new TriageDesk(database).answer({ minutes: 30 }, now));
    expect(report.cameras).toMatchObject({ compared: 12 });
    expect(report.answers).toHaveLength(1);
    const [answer] = report.answers;
    expect(answer).toMatchObject({ kind: 'site', site: 'yard', members: 6, affected: 6 });
    expect(answer!.text).toContain('site yard (6 of 6 cameras, 3 robots)');
    const contrast = answer!.features.find(({ feature }) => feature === 'contrast');
    expect(contrast!.now).toBeCloseTo(0.1, 1);
    expect(contrast!.usual).toBeCloseTo(0.2, 1);
    const { now: bins, usual, edges } = contrast!.histograms!;
    for (const shares of [bins, usual]) {
      expect(shares).toHaveLength(edges.length + 1);
      expect(shares.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1);
    }
    expect(answer!.cameras).toHaveLength(6);
  });

  it('gives the same answer again for a while, and another one for another time', async () => {
    const desk = new TriageDesk(database);
    const first = await desk.answer({ minutes: 30 }, now);
    expect(await desk.answer({ minutes: 30 }, now)).toBe(first);
    const before = await desk.answer(
      { minutes: 30, until: new Date(now.getTime() - 5 * DAY_MS).toISOString() },
      now,
    );
    expect(before).toMatchObject({ cameras: { total: 0 }, answers: [] });
  });

  it.each([
    ['fleet', {}, 1, 12],
    ['site', {}, 2, 6],
    ['bundle', { site: 'hall' }, 1, 6],
    ['robot', { site: 'yard' }, 3, 2],
    ['camera', { robot: 'yard-2' }, 2, 1],
  ] as const)('adds windows up by %s', async (by, filter, groups, cameras) => {
    const bundle = '1.0.0';
    const query = driftQuerySchema.parse({ by, ...filter, bundle, hours: 1, features: 'contrast' });
    const answer = mergedDriftSchema.parse(await summarizeDrift(database, query, now));
    const known = answer.groups.filter(
      ({ site }) => by === 'fleet' || by === 'bundle' || SITES.includes(site ?? ''),
    );
    expect(known).toHaveLength(groups);
    expect(known[0]!.features['contrast']!.histogram!.counts.length).toBeGreaterThan(0);
    if (by !== 'fleet') expect(known[0]).toMatchObject({ cameras, frames: 40 * cameras });
  });

  it('has windows as robots sent them, the newest ones if there are too many', async () => {
    const robot = { site: 'yard', robot: 'yard-2' };
    const list = (limits?: { windows: number; bytes: number }) =>
      listDriftWindows(database, robot, { hours: 15 * 24 }, now, limits);
    const all = robotDriftSchema.parse(await list());
    const daysAgo = (days: number): string => new Date(NOON - days * DAY_MS).toISOString();
    expect(readDriftHistory('yard-2', JSON.stringify(all)).windows.map(({ window }) => window.start)).toEqual(
      [14, 12, 10, 8, 2, 1, 0].map(daysAgo),
    );
    expect(all.isPartial).toBe(false);
    const newest = { windows: all.windows.slice(-2), isPartial: true, start: daysAgo(1) };
    expect(await list({ windows: 2, bytes: 1e6 })).toMatchObject(newest);
    const bytes = Math.round(2.5 * JSON.stringify(all.windows[0]).length);
    expect(await list({ windows: 9, bytes })).toMatchObject(newest);
    expect(await listDriftWindows(database, { ...robot, site: 'none' }, { hours: 1 }, now)).toBeNull();
  });

  it('takes longer rollups for longer times', async () => {
    const source = async (hours: number): Promise<string> =>
      (await summarizeDrift(database, driftQuerySchema.parse({ site: 'hall', hours }), now)).source;
    expect([await source(1), await source(48), await source(24 * 30)]).toEqual(['5m', '1h', '1d']);
    const month = driftQuerySchema.parse({ site: 'hall', hours: 24 * 30 });
    const [group] = (await summarizeDrift(database, month, now)).groups;
    expect(group).toMatchObject({ robots: 3, cameras: 6, frames: 6 * 10 * 40 });
  });

  it('takes longer rollups for times whose shorter ones were dropped, and refuses triage of them', async () => {
    await database.query(`insert into fleet.retention values ('drift_5m', now() - interval '3 days')`);
    const until = new Date(NOON - 8 * DAY_MS + 20 * 60_000).toISOString();
    const query = driftQuerySchema.parse({ site: 'hall', hours: 1, until });
    const { source, start, end, groups } = await summarizeDrift(database, query, now);
    const refused = new TriageDesk(database).answer({ minutes: 30, until }, now);
    await expect(refused).rejects.toMatchObject({ code: 'GOSHAWK_PARAMETER_INVALID' });
    await database.query('delete from fleet.retention');
    expect([source, groups[0]?.frames]).toEqual(['1h', 240]);
    expect(Date.parse(start)).toBe(NOON - 8 * DAY_MS - HOUR_MS);
    expect(Date.parse(end)).toBe(NOON - 8 * DAY_MS + HOUR_MS);
  });

  it('leaves out a time of which an answer has a part alone, and says from when on it is', async () => {
    const query = driftQuerySchema.parse({ site: 'hall', hours: 24 * 13 });
    const answer = await summarizeDrift(database, query, now, 15);
    expect(answer).toMatchObject({ isPartial: true, start: new Date(NOON - DAY_MS).toISOString() });
    expect(answer.groups[0]).toMatchObject({ frames: 2 * 240 });
    expect(await summarizeDrift(database, query, now, 4)).toMatchObject({ isPartial: true });
  });

  it('takes what came late for a part of its day, and knows all bundles of the day', async () => {
    const robot = randomUUID();
    const atMs = NOON - 100 * DAY_MS;
    const sent = (at: number, digest: string, brightness: number, day: number): FleetMessage =>
      messageOf(
        robot,
        boots[1]!,
        at,
        windowAt(atMs + at * 60_000, digest, [cameraOf('front', { brightness }, 7)]),
        {
          receivedMs: NOON + day * DAY_MS,
        },
      );
    await store.store([sent(0, 'b', 0.4, 0), ...[1, 2, 3].map((at) => sent(at, 'a', 0.6, 1))]);
    await makeAll();
    const [row] = await rowsOf(robot, '1h');
    const usualOf = await new UsualCameras(database).read([row!.sender], atMs + DAY_MS);
    const { usual, digests } = usualOf(row!.sender, 'front');
    expect(usual?.brightness?.mean).toBeCloseTo(0.55, 1.5);
    expect(digests).toEqual(new Set(['a', 'b']));
    const { cameras } = await compareFleet(database, new UsualCameras(database), {
      startMs: atMs,
      endMs: atMs + HOUR_MS,
    });
    expect(cameras.map(({ digest }) => digest)).toEqual(['a']);
  });

  it('works once on the same question, keeps answers to several, and refuses more than it has places for', async () => {
    let queries = 0;
    const gate = new AbortController();
    const waits = new Promise((go) => gate.signal.addEventListener('abort', go));
    const desk = new TriageDesk({
      query: async (statement) => {
        queries += 1;
        await waits;
        return database.query(statement);
      },
    });
    const ask = (minutes: number) => desk.answer({ minutes }, now);
    const [first, same, ...others] = [30, 30, 35, 40, 45, 50].map(ask);
    await expect(ask(55)).rejects.toMatchObject({ code: 'GOSHAWK_FLEET_BUSY' });
    expect(desk.counts(now)).toMatchObject({ cameras: [], ageSeconds: 0 });
    gate.abort();
    expect(await same).toBe(await first);
    await Promise.all(others);
    const before = queries;
    await Promise.all([30, 35, 40, 45, 50].map(ask));
    expect(queries).toBe(before);
  });

  it('has the last counts while new ones are made or fail, and their age from the first question on', async () => {
    let isBroken = true;
    const desk = new TriageDesk({
      query: (statement) => (isBroken ? Promise.reject(new Error('gone')) : database.query(statement)),
    });
    const early = new Date(now.getTime() - 300_000);
    expect(desk.counts(early)).toEqual({ cameras: [], answers: new Map(), ageSeconds: 0 });
    await desk.refresh(early);
    expect(desk.counts(now)).toMatchObject({ ageSeconds: 300 });
    await desk.refresh(now);
    isBroken = false;
    await desk.refresh(now);
    const counts = desk.counts(now);
    expect(counts).toMatchObject({ ageSeconds: 0 });
    expect(counts.answers.get('site')).toBe(1);
    isBroken = true;
    const later = new Date(now.getTime() + 600_000);
    await desk.refresh(later);
    expect(desk.counts(later)).toEqual({ ...counts, ageSeconds: 600 });
  });
});
