import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, DatabaseAddress } from '../../src/fleet/store/database.ts';
import { EmbeddedPostgres } from '../../src/fleet/store/embedded/embedded-postgres.ts';
import type { FleetMessage } from '../../src/fleet/store/fleet-message.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { embeddedDatabase, openStore } from '../../src/fleet/store/open-store.ts';
import { readLedger } from '../../src/fleet/store/read-ledger.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';

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

function message(
  robot: string,
  bootId: string,
  lastId: number,
  more: Partial<FleetMessage> = {},
): FleetMessage {
  return {
    sender: { site: 'yard', robot, node: 'detector' },
    stream: 'metrics',
    bootId,
    bootCount: 0,
    firstId: lastId,
    lastId,
    atMs: Date.now(),
    receivedMs: Date.now(),
    historical: false,
    json: Buffer.from('{"quoted":"a \\"b\\" {c} \\\\ NULL"}'),
    declares: null,
    ...more,
  };
}

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
    expect(said.map((line) => line.replace(/.*applied /, ''))).toEqual([
      '001-ledger.sql',
      '002-store-messages.sql',
    ]);
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

  it('goes on after somebody emptied its tables', async () => {
    const store = new MessageStore(database);
    const boot = randomUUID();
    await store.store([message('emptied', boot, 0)]);
    await database.query('truncate fleet.ledger, fleet.messages, fleet.senders');
    await expect(store.store([message('emptied', boot, 1)])).rejects.toMatchObject({
      code: 'GOSHAWK_DATABASE_UNREACHABLE',
    });
    await store.store([message('emptied', boot, 1)]);
    expect(await rowsOf('emptied')).toBe(1);
  });

  it.each([
    ['a value that it does not take', '22P05', { json: Buffer.from('"\\u0000"') }],
    ['a number beyond all bounds', '22003', { json: Buffer.from('1e999999') }],
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
