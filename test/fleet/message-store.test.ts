import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberArray } from '../../src/fleet/store/binary-array.ts';
import type { Database, DatabaseAddress } from '../../src/fleet/store/database.ts';
import { EmbeddedPostgres } from '../../src/fleet/store/embedded/embedded-postgres.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { embeddedDatabase, openStore } from '../../src/fleet/store/open-store.ts';
import { ensurePartitions } from '../../src/fleet/store/partitions.ts';
import { readLedger } from '../../src/fleet/store/read-ledger.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { message } from './support/fleet-message.ts';

const MIGRATIONS = new URL('../../src/fleet/store/migrations/', import.meta.url);
const folder = makeFleetFolder();
let postgres: EmbeddedPostgres;
let address: DatabaseAddress;
let database: Database;

const openOne = (said: string[] = []) => openStore(address, 4, Date.now(), (line) => said.push(line));

beforeAll(async () => {
  postgres = await EmbeddedPostgres.start({ folder: join(folder.path, 'fleet'), say: () => undefined });
  address = await embeddedDatabase(postgres.connection);
});
afterAll(async () => {
  await database.close();
  await postgres.stop();
  folder.remove();
});

async function rowsOf(robot: string): Promise<number> {
  const [row] = await database.query<{ rows: number }>({
    text: `select count(*) as rows from fleet.messages m join fleet.ledger l on l.id = m.ledger
      join fleet.senders s on s.id = l.sender where s.robot = $1`,
    values: [robot],
  });
  return row?.rows ?? 0;
}

describe('the store, on the embedded PostgreSQL', () => {
  it('gets its schema once, however many processes bring it', async () => {
    const said: string[] = [];
    const all = await Promise.all([openOne(said), openOne(said), openOne(said)]);
    database = all[0];
    await Promise.all(all.slice(1).map((one) => one.close()));
    expect(said.map((line) => line.replace(/.*applied /, ''))).toEqual(
      readdirSync(MIGRATIONS)
        .filter((name) => name.endsWith('.sql'))
        .sort(),
    );
  });

  it('refuses a schema that a newer version has changed', async () => {
    await database.query("insert into fleet.migrations values (999, '999-future.sql', '')");
    await expect(openOne()).rejects.toMatchObject({
      code: 'GOSHAWK_DATABASE_SCHEMA',
      message: expect.stringContaining('999-future.sql') as unknown,
    });
    await database.query('delete from fleet.migrations where version = 999');
  });

  it('refuses a database that would lose commits in a power cut', async () => {
    await database.query('alter role goshawk set synchronous_commit = off');
    await expect(openOne()).rejects.toMatchObject({ code: 'GOSHAWK_DATABASE_NOT_DURABLE' });
    await database.query('alter role goshawk reset synchronous_commit');
  });

  it('goes on storing while somebody reads for long and a new day needs its partition', async () => {
    const inNineDays = Date.now() + 9 * 86_400_000;
    await database.transaction(async (reader) => {
      await reader.query('select count(*) from fleet.messages');
      const making = ensurePartitions(database, inNineDays);
      const refused = expect(making).rejects.toMatchObject({ state: '55P03' });
      const [stored] = await Promise.all([
        new MessageStore(database).store([message('long-reader', randomUUID(), 0)]),
        refused,
      ]);
      expect([...stored.stored.values()]).toEqual([1]);
    });
    await ensurePartitions(database, inNineDays);
  });

  it('stores each message once while several ingestors store the same ones at the same time', async () => {
    const boot = randomUUID();
    const stores = [1, 2, 3, 4].map(() => new MessageStore(database));
    let stored = 0;
    for (let round = 0; round < 10; round += 1) {
      const batches = stores.map((_store, at) =>
        Array.from({ length: 100 }, (_, i) =>
          message('same', boot, round * 100 + ((i * (at + 1) * 7) % 101)),
        ),
      );
      const unique = batches.map((batch) => [...new Map(batch.map((one) => [one.lastId, one])).values()]);
      const counts = await Promise.all(stores.map((store, at) => store.store(unique[at]!)));
      for (const count of counts) stored += count.stored.get('metrics') ?? 0;
    }
    const { entries, undeclaredHoles } = await readLedger(database, { robot: 'same' }, new Date());
    expect(entries[0]!.stored).toEqual([[0, 1_000]]);
    expect(undeclaredHoles).toBe(0);
    expect(await rowsOf('same')).toBe(1_001);
    expect(stored).toBe(1_001);
  });

  it('gets numbers as they are', async () => {
    const integers = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -(2 ** 40), null];
    const floats = [0.1, -1e300, 5e-324, 1_764_194_400_000.5, null];
    const [row] = await database.query({
      text: 'select to_json($1::int8[]) as integers, to_json($2::float8[]) as floats, to_json($3::int8[]) as none',
      values: [numberArray('int8', integers), numberArray('float8', floats), numberArray('int8', [])],
    });
    expect(row).toEqual({ integers, floats, none: [] });
  });

  it('goes on after somebody emptied its tables', async () => {
    const store = new MessageStore(database);
    const boot = randomUUID();
    await store.store([message('emptied', boot, 0)]);
    await database.query('truncate fleet.ledger, fleet.messages, fleet.senders cascade');
    await expect(store.store([message('emptied', boot, 1)])).rejects.toMatchObject({
      code: 'GOSHAWK_DATABASE_UNREACHABLE',
    });
    await store.store([message('emptied', boot, 1)]);
    expect(await rowsOf('emptied')).toBe(1);
  });

  it.each([
    ['a time beyond all bounds', '22008', { atMs: 1e300 }],
    ['what is not JSON', '22P02', { json: Buffer.from('{') }],
    ['a day without a partition', '23514', { receivedMs: Date.UTC(2300, 0, 1) }],
  ])('says of %s what is wrong, and stores nothing of the batch', async (_what, state, more) => {
    const store = new MessageStore(database);
    const boot = randomUUID();
    const batch = [message('wrong', boot, 0), message('wrong', boot, 1, more)];
    await expect(store.store(batch)).rejects.toMatchObject({ name: 'SqlError', state });
    expect(await rowsOf('wrong')).toBe(0);
  });
});
