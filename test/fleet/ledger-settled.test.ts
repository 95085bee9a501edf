import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Session } from '../../src/fleet/store/database.ts';
import type { FleetMessage } from '../../src/fleet/store/fleet-message.ts';
import { recountLatest, updateLatest } from '../../src/fleet/store/latest-rows.ts';
import { summarizeLedger } from '../../src/fleet/store/ledger-summary.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { readLatest } from '../../src/fleet/store/read-latest.ts';
import { settleLedger } from '../../src/fleet/store/settle-ledger.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { message } from './support/fleet-message.ts';
import { startFleetStore, type FleetStore } from './support/fleet-store.ts';

const STREAMS = ['metrics', 'state', 'event', 'audit', 'drift', 'gap', 'trace', 'clip'];
const BOOTS = 365;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const folder = makeFleetFolder();
let store: FleetStore;
let database: Database;

beforeAll(async () => {
  store = await startFleetStore(folder.path);
  ({ database } = store);
});
afterAll(async () => {
  await store.close();
  folder.remove();
});

const sender = (robot: string) => ({ site: 'yard', robot, node: 'detector' });

/** A robot that was started on each of the last days, and lost and declared something in each boot. */
async function seedBoots(robot: string): Promise<void> {
  await database.query({
    text: 'insert into fleet.senders (site, robot, node) values ($1, $2, $3)',
    values: Object.values(sender(robot)),
  });
  await database.query({
    text: `
      insert into fleet.ledger (sender, stream, boot, boot_count, stored, declared, quarantined, first_received,
        last_received, last_at)
      select s.id, stream, gen_random_uuid(), day, '{[0,5),[8,12)}', '{[5,6),[20,22)}', '{[6,7),[8,9)}', at, at, at
      from fleet.senders s, generate_series(1, $2::int) as day, unnest($3::text[]) as stream,
        lateral (select to_timestamp($4::float8 / 1000) - interval '1 day' * ($2::int - day) as at) as a
      where s.robot = $1`,
    values: [robot, BOOTS, STREAMS, Date.now()],
  });
  await database.query('analyze fleet.ledger');
}

async function settleAll(nowMs = Date.now()): Promise<{ settled: number; reopened: number }> {
  let [settled, reopened] = [0, 0];
  for (let isMore = true; isMore;) {
    const report = await settleLedger(database, nowMs);
    settled += report.settled;
    reopened += report.reopened;
    ({ isMore } = report);
  }
  await database.query('analyze fleet.ledger, fleet.ledger_settled');
  return { settled, reopened };
}

/** Rows of the ledger and its sums that work of a transaction reads, as the server counts them. */
async function countRows(work: (session: Session) => Promise<unknown>): Promise<number> {
  const rowsRead = async (session: Session): Promise<number> => {
    const [row] = await session.query<{ rows: number }>(`
      select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int8 as rows from pg_stat_xact_user_tables
      where schemaname = 'fleet' and relname in ('ledger', 'ledger_settled')`);
    return row?.rows ?? 0;
  };
  return database.transaction(async (session) => {
    // those of transactions before may still be counted on this connection
    const before = await rowsRead(session);
    await work(session);
    return (await rowsRead(session)) - before;
  });
}

/** Brings the robot's row up to date, as the job does. @returns rows read */
async function update(robot: string): Promise<number> {
  const change = { sender: sender(robot), state: null, stateAtMs: 0, windows: [] };
  return countRows((session) =>
    updateLatest({ transaction: (work) => work(session) }, [change], () => ({ recent: [], summary: null })),
  );
}

async function board(robot: string) {
  const row = (await readLatest(database, 0)).find((one) => one.robot === robot)!;
  const { stored, quarantined, declared, holes, receivedMs } = row;
  return { stored, quarantined, declared, holes, receivedMs };
}

/** The same, counted anew from every number of every row. */
async function counted(robot: string) {
  const [row] = await database.query<Awaited<ReturnType<typeof board>>>({
    text: `
      select sum(stored)::int8 as stored, sum(quarantined)::int8 as quarantined, sum(declared)::int8 as declared,
        sum(holes)::int8 as holes, max(extract(epoch from last_received) * 1000)::float8 as "receivedMs"
      from fleet.ledger_health where robot = $1`,
    values: [robot],
  });
  return row!;
}

async function bootOf(robot: string, count: number): Promise<string> {
  const [row] = await database.query<{ boot: string }>({
    text: `select boot from fleet.ledger l join fleet.senders s on s.id = l.sender
      where s.robot = $1 and l.stream = 'metrics' and l.boot_count = $2`,
    values: [robot, count],
  });
  return row!.boot;
}

const old = (robot: string, bootId: string, id: number, more: Partial<FleetMessage> = {}) =>
  message(robot, bootId, id, { bootCount: 10, ...more });

describe('a robot that was started every day for a year', () => {
  it('costs an update of the board its recent boots alone, with the same counts', async () => {
    await seedBoots('daily');
    const all = BOOTS * STREAMS.length;
    const before = await update('daily');
    expect(before).toBeGreaterThanOrEqual(all);
    const shown = await board('daily');
    expect(shown).toEqual(await counted('daily'));
    expect(shown).toMatchObject({ stored: all * 9, quarantined: all, declared: all * 3, holes: all * 9 });

    expect(await settleAll()).toMatchObject({ settled: all - STREAMS.length });
    // one row for each stream of the boot that goes on, and one for all that are over
    expect(await update('daily')).toBeLessThanOrEqual(4 * STREAMS.length);
    expect(await board('daily')).toEqual(shown);
    const { id } = (await readLatest(database, 0))[0]!;
    expect(await countRows((session) => recountLatest(session, [id]))).toBeLessThanOrEqual(
      4 * STREAMS.length,
    );
  });

  it('has late messages of a boot that is over stored once, counted, and opened and settled again', async () => {
    await seedBoots('late');
    await settleAll();
    const boot = await bootOf('late', 10);
    const messages = new MessageStore(database);
    // 3 is there already, 7 was on its way, 5 was declared lost
    const again = await messages.store([old('late', boot, 3)]);
    expect([again.stored.get('metrics'), again.duplicates.get('metrics')]).toEqual([undefined, 1]);
    const before = await counted('late');
    const fresh = await messages.store([old('late', boot, 7), old('late', boot, 5)]);
    expect(fresh.stored.get('metrics')).toBe(2);
    expect((await messages.store([old('late', boot, 7)])).duplicates.get('metrics')).toBe(1);
    expect(await update('late')).toBeLessThanOrEqual(4 * STREAMS.length + 2);
    expect(await board('late')).toEqual(await counted('late'));
    expect(await board('late')).toMatchObject({
      stored: before.stored + 2,
      declared: before.declared - 1,
      holes: before.holes - 1,
    });
    expect(await settleAll()).toEqual({ settled: 0, reopened: 1 });
    expect(await settleAll(Date.now() + 2 * HOUR_MS)).toMatchObject({ reopened: 0 });
    await update('late');
    expect(await board('late')).toEqual(await counted('late'));
  });

  it('may declare something of a boot that is over', async () => {
    await seedBoots('declaring');
    await settleAll(Date.now() + 2 * HOUR_MS);
    const [bootId, now] = [await bootOf('declaring', 10), randomUUID()];
    const declares = { stream: 'metrics', bootId, ranges: [[7, 7]] as [number, number][] };
    const before = await counted('declaring');
    await new MessageStore(database).store([message('declaring', now, 0, { stream: 'gap', declares })]);
    await update('declaring');
    expect(await board('declaring')).toEqual(await counted('declaring'));
    expect(await board('declaring')).toMatchObject({
      declared: before.declared + 1,
      holes: before.holes - 1,
    });
  });

  it('keeps its sums right while several processes store, settle and add up', async () => {
    await seedBoots('busy');
    const stores = [1, 2, 3].map(() => new MessageStore(database));
    const boots = await Promise.all([20, 21, 22, 23].map((count) => bootOf('busy', count)));
    for (let round = 0; round < 15; round += 1)
      await Promise.all([
        ...stores.map((messages, at) =>
          messages.store(boots.map((boot) => old('busy', boot, 100 + round * 2 + (at % 2)))),
        ),
        settleLedger(database, Date.now() + DAY_MS),
        settleLedger(database, Date.now() + DAY_MS),
      ]);
    await update('busy');
    const shown = await board('busy');
    expect(shown).toEqual(await counted('busy'));
    await settleAll(Date.now() + DAY_MS);
    await update('busy');
    expect(await board('busy')).toEqual(shown);
    expect(await database.query('select sum(boots)::int as rows from fleet.ledger_sums')).toEqual(
      await database.query('select count(*)::int as rows from fleet.ledger'),
    );
  });

  it('is in the sums of the fleet with all its boots', async () => {
    const [all] = await database.query<{ stored: number; holes: number }>(
      'select sum(stored)::int8 as stored, sum(holes)::int8 as holes from fleet.ledger_health',
    );
    expect(await summarizeLedger(database)).toEqual(all);
  });

  it('may claim any numbers: their sum has a bound', async () => {
    await seedBoots('claiming');
    await database.query({
      text: `update fleet.ledger set declared = '{[0,9007199254740991]}'
        where sender = (select id from fleet.senders where robot = $1)`,
      values: ['claiming'],
    });
    await settleAll(Date.now() + DAY_MS);
    await update('claiming');
    expect(await board('claiming')).toMatchObject({ declared: Number.MAX_SAFE_INTEGER, holes: 0 });
  });
});
