import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FEATURE_TABLE_VERSION } from '../../src/core/drift/features.ts';
import { backfillDrift } from '../../src/fleet/rollup/drift-backfill.ts';
import { windowsOf } from '../../src/fleet/rollup/keyed.ts';
import { makeDueRollups } from '../../src/fleet/rollup/rollup-store.ts';
import { Database, type DatabaseAddress } from '../../src/fleet/store/database.ts';
import { EmbeddedPostgres } from '../../src/fleet/store/embedded/embedded-postgres.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { embeddedDatabase, openStore } from '../../src/fleet/store/open-store.ts';
import { dropOldPartitions, DEFAULT_RETENTION } from '../../src/fleet/store/retention.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { message } from './support/fleet-message.ts';

const FILES = join(import.meta.dirname, '../../src/fleet/store/migrations');
/** 008 and 010 as they were before they left stored messages alone. */
const FORMER_FILES = join(import.meta.dirname, 'support/migrations');
const OLD_DAY = '2026-11-20';
const PARTITION = 'fleet.messages_20261120';
const START_MS = Date.parse(`${OLD_DAY}T12:00:00Z`);
const DAY_MS = 86_400_000;
const DRIFT_LEDGER = 2;

const folder = makeFleetFolder();
let postgres: EmbeddedPostgres;
let count = 0;
const opened: Database[] = [];

beforeAll(async () => {
  postgres = await EmbeddedPostgres.start({ folder: join(folder.path, 'fleet'), say: () => undefined });
});
afterAll(async () => {
  for (const database of opened) await database.close();
  await postgres.stop();
  folder.remove();
});

function connect(address: DatabaseAddress): Database {
  const database = new Database(address, { connections: 3, statementLimitMs: 60_000 });
  opened.push(database);
  return database;
}

async function makeDatabase(): Promise<DatabaseAddress> {
  const address = { ...(await embeddedDatabase(postgres.connection)), ...postgres.connection };
  const name = `migrations_${(count += 1)}`;
  await connect({ ...address, database: 'postgres' }).query(`create database ${name}`);
  return { ...address, database: name };
}

/** Runs files as a version of that time did, and says so in the database. */
async function run(database: Database, upTo: number, isFormer = false): Promise<void> {
  await database.query('create schema if not exists fleet');
  await database.query(
    'create table if not exists fleet.migrations (version integer primary key, name text, sha256 text, ' +
      'applied_at timestamptz not null default now())',
  );
  const [last] = await database.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from fleet.migrations',
  );
  for (const name of readdirSync(FILES).sort()) {
    const version = Number(name.slice(0, 3));
    if (version <= (last?.version ?? 0) || version > upTo) continue;
    const isOther = isFormer && readdirSync(FORMER_FILES).includes(name);
    const sql = readFileSync(join(isOther ? FORMER_FILES : FILES, name), 'utf8');
    await database.query(sql);
    await database.query({
      text: 'insert into fleet.migrations values ($1, $2, $3)',
      values: [version, name, createHash('sha256').update(sql).digest('hex')],
    });
  }
}

const windowAt = (at: number): object => ({
  window: {
    start: new Date(START_MS + at * 60_000).toISOString(),
    end: new Date(START_MS + (at + 1) * 60_000).toISOString(),
  },
});

const metricsAt = (at: number): object => ({
  ...windowAt(at),
  cameras: [],
  process: { residentBytes: 1, eventLoopDelayP99Ms: 1 },
  host: {},
});

const driftAt = (at: number): object => ({
  ...windowAt(at),
  bundle: { name: 'street', version: '1.0.0', digest: 'd', variant: 'fp32', provider: 'cpu' },
  table: FEATURE_TABLE_VERSION,
  cameras: [
    {
      camera: 'front',
      frames: 60,
      inGraph: 0,
      unmeasured: 0,
      late: 0,
      duplicate: 0,
      features: {},
      classes: { person: 1 },
      agreement: null,
    },
  ],
});

/** A robot with ten windows of metrics, and as many of drift. */
async function fill(database: Database): Promise<void> {
  await database.query(
    `create table ${PARTITION} partition of fleet.messages
      for values from ('${OLD_DAY}T00:00:00Z') to ('${OLD_DAY}T24:00:00Z')`,
  );
  await database.query("insert into fleet.senders (site, robot, node) values ('yard', 'r7', 'detector')");
  await database.query(`
    insert into fleet.ledger (sender, stream, boot, stored) overriding system value
    select 1, stream, '${randomUUID()}', '{[0,10)}' from unnest(array['metrics', 'drift']) as stream`);
  for (let at = 0; at < 10; at += 1)
    for (const [ledger, body] of [
      [1, metricsAt(at)],
      [DRIFT_LEDGER, driftAt(at)],
    ] as const)
      await insert(database, ledger, at, JSON.stringify(body));
}

async function insert(database: Database, ledger: number, id: number, payload: string): Promise<void> {
  await database.query({
    text: `
      insert into fleet.messages (received_at, ledger, first_id, last_id, at, historical, payload, bucket)
      values ($1, $2::int8, $3, $3, $1, false, $4, case when $2::int8 = 1 then date_bin('5 min', $1, 'epoch') end)`,
    values: [new Date(START_MS + id * 60_000), ledger, id, payload],
  });
}

async function open(address: DatabaseAddress): Promise<{ database: Database; applied: string[] }> {
  const applied: string[] = [];
  const database = await openStore(address, 3, Date.now(), (line) => applied.push(line.slice(-40)));
  opened.push(database);
  return { database, applied };
}

const columnsOf = (database: Database) =>
  database.query(`
    select table_name, column_name, data_type, is_nullable from information_schema.columns
    where table_schema = 'fleet' and table_name <> 'migrations' and table_name !~ '_\\d{8}$' order by 1, 2`);

async function makeAllRollups(database: Database): Promise<void> {
  const later = new Date(Date.now() + DAY_MS);
  for (let isMore = true; isMore;) {
    isMore = await backfillDrift(database);
    while ((await makeDueRollups(database, later)) > 0);
  }
}

async function rolledUp(database: Database): Promise<unknown> {
  return database.query('select camera, sum(frames)::float8 as frames from fleet.drift_5m group by camera');
}

describe('migrations of a filled database', () => {
  it('write no stored message anew, and what is stored is read as before', async () => {
    const address = await makeDatabase();
    const before = connect(address);
    await run(before, 7);
    await fill(before);
    const fileOf = (one: Database) => one.query(`select pg_relation_filenode('${PARTITION}') as file`);
    const [file, { database, applied }] = [await fileOf(before), await open(address)];
    expect(applied.join(' ')).toContain('008-ingest.sql');
    expect(await fileOf(database)).toEqual(file);
    const keys = [{ sender: 1, bucketMs: START_MS, day: OLD_DAY }];
    const windows = await database.session((session) => windowsOf<object>(session, 'metrics', keys));
    expect(windows.map(({ window }) => window)).toEqual([0, 1, 2, 3, 4].map(metricsAt));
    const boot = randomUUID();
    await new MessageStore(database).store([message('r8', boot, 0)]);
    expect(
      await database.query('select payload_before from fleet.messages where payload is not null'),
    ).toEqual([{ payload_before: null }]);
  });

  it('have rollups made of drift windows that were stored before there were any', async () => {
    const address = await makeDatabase();
    const before = connect(address);
    await run(before, 9);
    await fill(before);
    // JSON, but more than PostgreSQL's jsonb can have
    await insert(
      before,
      DRIFT_LEDGER,
      10,
      JSON.stringify({ ...driftAt(10), new: 0 }).replace(':0}', ':1e200000}'),
    );
    const { database } = await open(address);
    const late = START_MS + 100 * DAY_MS;
    expect((await dropOldPartitions(database, DEFAULT_RETENTION, late)).waiting).toContain(
      PARTITION.slice(6),
    );
    await makeAllRollups(database);
    expect(await rolledUp(database)).toEqual([{ camera: 'front', frames: 660 }]);
    expect(await database.query('select 1 from fleet.drift_backfill')).toEqual([]);
    expect((await dropOldPartitions(database, DEFAULT_RETENTION, late)).dropped).toContain(
      PARTITION.slice(6),
    );
  });

  it('leave other rollups in time', async () => {
    const address = await makeDatabase();
    const before = connect(address);
    await run(before, 9);
    await fill(before);
    const { database } = await open(address);
    await database.query(
      `insert into fleet.rollup_jobs (sender, bucket, day, ready_at)
        values (1, '${OLD_DAY}T12:00:00Z', '${OLD_DAY}', now() - interval '1 min')`,
    );
    expect(await backfillDrift(database)).toBe(false);
    await makeDueRollups(database, new Date());
    expect(await backfillDrift(database)).toBe(true);
  });

  it('lead to the same tables from what their files were before', async () => {
    const address = await makeDatabase();
    const before = connect(address);
    await run(before, 7);
    await fill(before);
    await run(before, 10, true);
    const { database, applied } = await open(address);
    expect(applied.map((line) => line.replace(/.* /, ''))[0]).toMatch(/^011-/);
    const fresh = await open(await makeDatabase());
    expect(await columnsOf(database)).toEqual(await columnsOf(fresh.database));
    await makeAllRollups(database);
    expect(await rolledUp(database)).toEqual([{ camera: 'front', frames: 600 }]);
    await new MessageStore(database).store([message('r8', randomUUID(), 0)]);
  });

  it('refuse a file that nobody knows as it was applied', async () => {
    const address = await makeDatabase();
    const { database } = await open(address);
    await database.query("update fleet.migrations set sha256 = 'other' where version = 8");
    await expect(open(address)).rejects.toMatchObject({ code: 'GOSHAWK_DATABASE_SCHEMA' });
  });
});
