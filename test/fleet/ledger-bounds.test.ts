import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/fleet/store/database.ts';
import { deleteRobot } from '../../src/fleet/store/delete-robot.ts';
import type { FleetMessage } from '../../src/fleet/store/fleet-message.ts';
import { MessageStore, type StoreCounts } from '../../src/fleet/store/message-store.ts';
import { readLedger } from '../../src/fleet/store/read-ledger.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { message } from './support/fleet-message.ts';
import { startFleetStore, type FleetStore } from './support/fleet-store.ts';

const BOUNDS = { rowsAnHour: 4, rowsInAll: 6, ranges: 3 };

const folder = makeFleetFolder();
let fleet: FleetStore;
let database: Database;
let store: MessageStore;

beforeAll(async () => {
  fleet = await startFleetStore(folder.path);
  ({ database } = fleet);
  store = new MessageStore(database, BOUNDS);
});
afterAll(async () => {
  await fleet.close();
  folder.remove();
});

const beyondOf = ({ beyond }: StoreCounts) => [...beyond].map(([{ lastId }, bound]) => [lastId, bound]);
const boots = (count: number) => Array.from({ length: count }, () => randomUUID());
const ledgerOf = async (robot: string) => (await readLedger(database, { robot }, new Date())).entries;

async function anHourLater(robot: string): Promise<void> {
  await database.query({
    text: "update fleet.ledger_growth set hour_began = hour_began - interval '61 min' where robot = $1",
    values: [robot],
  });
}

describe('a robot that invents boots', () => {
  it('begins so many rows in an hour and in all; what is known goes on, and so do other robots', async () => {
    const all = boots(8);
    const sent = all.map((boot, at) => message('inventor', boot, at));
    const others = boots(4).map((boot) => message('honest', boot, 0));
    const first = await store.store([...sent, ...others]);
    expect(beyondOf(first)).toEqual([4, 5, 6, 7].map((id) => [id, 'boots']));
    expect(first.stored.get('metrics')).toBe(8);
    // another ingestor, which knows nothing of what this one did
    const second = new MessageStore(database, BOUNDS);
    const again = await second.store([...sent, message('inventor', all[0]!, 1)]);
    expect(beyondOf(again)).toEqual([4, 5, 6, 7].map((id) => [id, 'boots']));
    expect([again.stored.get('metrics'), again.duplicates.get('metrics')]).toEqual([1, 4]);

    await anHourLater('inventor');
    expect(beyondOf(await store.store(sent))).toEqual([6, 7].map((id) => [id, 'boots']));
    await anHourLater('inventor');
    expect(beyondOf(await store.store(sent))).toEqual([6, 7].map((id) => [id, 'boots']));
    expect((await ledgerOf('inventor')).map(({ bootId }) => bootId).sort()).toEqual(all.slice(0, 6).sort());
  });

  it('is held to that whatever detectors and streams it names, through however many ingestors', async () => {
    const stores = [1, 2, 3].map(() => new MessageStore(database, BOUNDS));
    const counts = await Promise.all(
      stores.map((one, at) =>
        one.store(
          boots(5).map((boot, n) => ({
            ...message('many', boot, n, { stream: `s${at}` }),
            sender: { site: 'yard', robot: 'many', node: `n${at}${n}` },
          })),
        ),
      ),
    );
    expect(counts.flatMap(beyondOf)).toHaveLength(15 - BOUNDS.rowsAnHour);
    expect(await ledgerOf('many')).toHaveLength(BOUNDS.rowsAnHour);
    expect(await database.query("select 1 from fleet.senders where robot = 'many'")).toHaveLength(4);
  });

  it('declares nothing of rows that it may not begin: the declaration is not stored either', async () => {
    const [own, ...lost] = boots(6);
    const gaps = lost.map((bootId, id) => {
      const declares = { stream: 'event', bootId, ranges: [[0, 9]] as [number, number][] };
      return message('declaring', own!, id, { stream: 'gap', declares });
    });
    const counts = await store.store(gaps);
    expect(beyondOf(counts)).toEqual([3, 4].map((id) => [id, 'boots']));
    const entries = await ledgerOf('declaring');
    expect(entries.find(({ stream }) => stream === 'gap')!.stored).toEqual([[0, 2]]);
    expect(entries.filter(({ stream }) => stream === 'event').map(({ declared }) => declared)).toEqual(
      Array(3).fill([[0, 9]]),
    );
  });

  it('begins anew once it was deleted', async () => {
    const sent = boots(5).map((boot) => message('deleted', boot, 0));
    expect((await store.store(sent)).beyond.size).toBe(1);
    const name = { site: 'yard', robot: 'deleted' };
    const author = { actor: 'test', role: null, address: '127.0.0.1' };
    await deleteRobot(database, name, new Date(Date.now() + 60_000), author);
    const fresh = new MessageStore(database, BOUNDS);
    expect((await fresh.store(boots(4).map((boot) => message('deleted', boot, 0)))).beyond.size).toBe(0);
  });
});

describe('a robot that leaves ranges', () => {
  const send = (robot: string, boot: string, ids: readonly number[], more: Partial<FleetMessage> = {}) =>
    store.store(ids.map((id) => message(robot, boot, id, more)));

  it('has what would begin another one refused, alone, and what fills a hole stored', async () => {
    const [boot] = boots(1);
    expect(beyondOf(await send('holes', boot!, [0, 2, 4, 6, 8]))).toEqual([
      [6, 'ranges'],
      [8, 'ranges'],
    ]);
    const other = message('no-holes', randomUUID(), 0);
    const counts = await store.store([message('holes', boot!, 6), message('holes', boot!, 5), other]);
    // 5 continues 4, and 6 continues 5
    expect(counts.beyond.size).toBe(0);
    expect(beyondOf(await send('holes', boot!, [20, 30]))).toEqual([
      [20, 'ranges'],
      [30, 'ranges'],
    ]);
    expect(beyondOf(await send('holes', boot!, [1]))).toEqual([]);
    expect(beyondOf(await send('holes', boot!, [20, 30]))).toEqual([[30, 'ranges']]);
    // what is stored already is acknowledged again
    const again = await send('holes', boot!, [0, 20, 30]);
    expect(again.duplicates.get('metrics')).toBe(2);
    const [entry] = await ledgerOf('holes');
    expect(entry).toMatchObject({
      stored: [
        [0, 2],
        [4, 6],
        [20, 20],
      ],
      holes: [
        [3, 3],
        [7, 19],
      ],
    });
    // the law: each number once, in a message of its own
    const [row] = await database.query(`
      select count(*)::int as n from fleet.messages m join fleet.ledger l on l.id = m.ledger
      join fleet.senders s on s.id = l.sender where s.robot = 'holes'`);
    expect(row).toEqual({ n: 7 });
  });

  it('has a declaration of too many refused as a whole, with its message', async () => {
    const [boot, lost] = boots(2);
    const gap = (id: number, ranges: [number, number][]) =>
      message('gaps', boot!, id, { stream: 'gap', declares: { stream: 'event', bootId: lost!, ranges } });
    const first = await store.store([
      gap(0, [
        [0, 0],
        [2, 2],
        [4, 4],
      ]),
    ]);
    expect(first.beyond.size).toBe(0);
    expect(beyondOf(await store.store([gap(1, [[6, 6]])]))).toEqual([[1, 'ranges']]);
    expect(beyondOf(await store.store([gap(2, [[1, 1]])]))).toEqual([]);
    expect(beyondOf(await store.store([gap(1, [[6, 6]])]))).toEqual([]);
    const entries = await ledgerOf('gaps');
    expect(entries.map(({ stream, stored, declared }) => [stream, stored, declared]).sort()).toEqual([
      [
        'event',
        [],
        [
          [0, 2],
          [4, 4],
          [6, 6],
        ],
      ],
      ['gap', [[0, 2]], []],
    ]);
  });

  it('may have as many as it likes where nothing is missing in the end', async () => {
    const [boot] = boots(1);
    let rest = Array.from({ length: 40 }, (_, at) => (at % 20) * 2 + (at < 20 ? 0 : 1));
    for (let round = 0; round < 50 && rest.length > 0; round += 1) {
      const parity = rest.filter((id) => id % 2 === round % 2);
      const left = beyondOf(await send('patient', boot!, parity)).map(([id]) => id);
      rest = rest.filter((id) => id % 2 !== round % 2 || left.includes(id));
    }
    expect(rest).toEqual([]);
    expect((await ledgerOf('patient'))[0]!.stored).toEqual([[0, 39]]);
  });
});
