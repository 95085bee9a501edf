import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetLedgerEntry } from '../../src/contract/fleet-ledger.ts';
import {
  quarantineChangeSchema,
  quarantinedMessageSchema,
  quarantineListSchema,
} from '../../src/contract/fleet-quarantine.ts';
import { NumberSet } from '../../src/core/ledger/number-set.ts';
import { checkMessage } from '../../src/fleet/ingest/check-message.ts';
import type { Received } from '../../src/fleet/check/received.ts';
import { makeDueRollups } from '../../src/fleet/rollup/rollup-store.ts';
import { readAudit } from '../../src/fleet/store/audit.ts';
import { dropQuarantined } from '../../src/fleet/quarantine/drop.ts';
import { findRobot } from '../../src/fleet/quarantine/find-robot.ts';
import { replayQuarantine } from '../../src/fleet/quarantine/replay.ts';
import type { Database } from '../../src/fleet/store/database.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { ensurePartitions } from '../../src/fleet/store/partitions.ts';
import { QuarantineStore } from '../../src/fleet/store/quarantine.ts';
import { dropOldPartitions } from '../../src/fleet/store/retention.ts';
import { readLedger } from '../../src/fleet/store/read-ledger.ts';
import { CLI } from '../support/programs.ts';
import { received, stateMessage } from './ingest/messages.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { startFleetStore, type FleetStore } from './support/fleet-store.ts';
import { refuseText } from './support/refusing-database.ts';
import { Robot } from './support/robot.ts';

const DAY_MS = 86_400_000;

const folder = makeFleetFolder();
const home = join(folder.path, 'fleet');
let fleet: FleetStore;
let database: Database;

beforeAll(async () => {
  fleet = await startFleetStore(home);
  ({ database } = fleet);
});
afterAll(async () => {
  await fleet.close();
  folder.remove();
});

/** What an earlier version refused, and this one does not. */
interface Given {
  readonly robot: string;
  readonly bootId: string;
  readonly id: number;
  readonly firstId?: number;
  /** what is wrong with it still */
  readonly wrong?: object;
  readonly receivedMs?: number;
  readonly isToBeKept?: boolean;
}

function messageOf({ robot, bootId, id, firstId, wrong = {}, receivedMs = Date.now() }: Given): Received {
  const merged = firstId === undefined ? {} : { firstHeaderId: firstId };
  return { ...stateMessage(id, { bootId, ...merged, ...wrong }, robot), receivedMs };
}

const keep = (...given: Given[]): Promise<readonly boolean[]> =>
  new QuarantineStore(database).keep(
    given.map((one) => {
      const { bootId, id, robot } = one;
      const sender = { site: 'yard', robot, node: 'detector' };
      const identity = {
        sender,
        stream: 'state',
        bootId,
        bootCount: 0,
        firstId: one.firstId ?? id,
        lastId: id,
      };
      const isToBeKept = one.isToBeKept ?? true;
      return { ...messageOf(one), reason: 'schema', detail: 'too new', identity, isToBeKept };
    }),
  );

const store = (one: Given) => new MessageStore(database).store([checkMessage(messageOf(one)).message!]);

const onlyOf = (robot: string) => ({ ids: null, robot: { site: 'yard', robot }, reason: null });
const AUTHOR = { actor: 'test', role: null, address: 'local' };
const replay = (robot: string, isDryRun = false) =>
  replayQuarantine(database, onlyOf(robot), isDryRun, AUTHOR);

async function entryOf(robot: string): Promise<FleetLedgerEntry> {
  const { entries } = await readLedger(database, { robot }, new Date());
  expect(entries).toHaveLength(1);
  return entries[0]!;
}

async function count(table: string, robot: string): Promise<number> {
  const [row] = await database.query<{ rows: number }>({
    text: `select count(*) as rows from fleet.${table} m join fleet.ledger l on l.id = m.ledger
      join fleet.senders s on s.id = l.sender where s.robot = $1`,
    values: [robot],
  });
  return row!.rows;
}

describe('quarantine, on the embedded PostgreSQL', () => {
  it('keeps each message whole once, and says so of all its copies', async () => {
    const robot = 'once';
    const bootId = randomUUID();
    const one = { robot, bootId, id: 1 };
    expect(await keep({ robot, bootId, id: 0 }, one, one, { ...one, id: 2, isToBeKept: false })).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(await keep({ ...one, isToBeKept: false })).toEqual([true]);
    await store({ robot, bootId, id: 3 });
    expect(await keep({ ...one, id: 3, isToBeKept: false })).toEqual([true]);
    expect(await count('quarantine', robot)).toBe(2);
    expect(await entryOf(robot)).toMatchObject({ stored: [[3, 3]], quarantined: [[0, 1]], holes: [[2, 2]] });
  });

  it('makes no row of the ledger for what it does not keep', async () => {
    await keep({ robot: 'nobody', bootId: randomUUID(), id: 0, isToBeKept: false });
    expect((await readLedger(database, { robot: 'nobody' }, new Date())).entries).toEqual([]);
  });

  it('stores what passes now, and leaves the rest; a dry run changes nothing, a second one neither', async () => {
    const robot = 'replayed';
    const bootId = randomUUID();
    const old = { robot, bootId, id: 1, receivedMs: Date.now() - 40 * 86_400_000 };
    const good = new TextDecoder().decode(messageOf({ robot, bootId, id: 5 }).payload);
    const impossible = `${good.slice(0, -1)},"huge":1e999999}`;
    await refuseText(database, '1e999999');
    await keep({ robot, bootId, id: 0 }, old, { robot, bootId, id: 2, wrong: { uptimeSeconds: -1 } });
    await keep({ robot, bootId, id: 3 }, { robot, bootId, id: 4, firstId: 3 }, { robot, bootId, id: 5 });
    await database.query({
      text: 'update fleet.quarantine set payload = $1 where last_id = 5 and topic like $2',
      values: [Buffer.from(impossible), '%/replayed/%'],
    });
    const expected = { stored: 4, dropped: 0, refused: { schema: 1, database: 1 } };
    expect(await replay(robot, true)).toMatchObject({ ...expected, isDryRun: true });
    expect(await count('messages', robot)).toBe(0);
    const changes = await Promise.all([replay(robot), replay(robot)]);
    expect(changes.reduce((sum, { stored }) => sum + stored, 0)).toBe(4);
    expect(await replay(robot)).toMatchObject({ ...expected, stored: 0 });
    const numbers = {
      quarantined: [
        [2, 2],
        [5, 5],
      ],
      holes: [],
      declared: [],
    };
    expect(await entryOf(robot)).toMatchObject({
      ...numbers,
      stored: [
        [0, 1],
        [3, 4],
      ],
    });
    // the merged one replaced the one that is part of it
    expect(await count('messages', robot)).toBe(3);
  });

  it('adds to a finished rollup what is replayed after the messages of its day were dropped', async () => {
    const robot = 'finished';
    const bootId = randomUUID();
    const receivedMs = Date.now() - 20 * DAY_MS;
    const windowAt = (headerId: number): Received => {
      const { payload } = stateMessage(headerId, { bootId, ...Robot.metricsBody }, robot);
      return { link: 0, topic: `fleet/v1/yard/${robot}/detector/metrics`, payload, receivedMs };
    };
    const [first, second, third] = [windowAt(0), windowAt(1), windowAt(2)];
    const makeRollups = async () => {
      while ((await makeDueRollups(database, new Date(Date.now() + 10 * DAY_MS))) > 0);
      return database.query<{ day: string; ms: number }>({
        text: `select to_char(day, 'YYYY-MM-DD') as day, covered_ms as ms from fleet.hosts_1h
          where sender = (select id from fleet.senders where robot = $1) order by day`,
        values: [robot],
      });
    };
    const sender = { site: 'yard', robot, node: 'detector' };
    const identity = { sender, stream: 'metrics', bootId, bootCount: 0, firstId: 2, lastId: 2 };
    const refusal = { reason: 'schema', detail: 'too new', identity, isToBeKept: true };
    await ensurePartitions(database, receivedMs);
    await new MessageStore(database).store([first, second].map((one) => checkMessage(one).message!));
    await new QuarantineStore(database).keep([{ ...third, ...refusal }]);
    const [finished, ...others] = await makeRollups();
    expect([finished?.ms, others]).toEqual([20_000, []]);
    await dropOldPartitions(database, { messages: 14, fiveMinutes: 90, hours: 730 }, Date.now());
    const { lastReceivedAt } = await entryOf(robot);
    expect(await replay(robot)).toMatchObject({ stored: 1 });
    expect(await makeRollups()).toEqual([
      finished,
      { day: expect.not.stringContaining(finished!.day) as unknown, ms: 10_000 },
    ]);
    // the robot itself said nothing now
    expect((await entryOf(robot)).lastReceivedAt).toBe(lastReceivedAt);
  });

  it('takes a name for one robot, and asks for the site where there are several of it', async () => {
    const robot = 'twin';
    await keep({ robot, bootId: randomUUID(), id: 0 });
    expect(await findRobot(database, robot)).toEqual({ site: 'yard', robot });
    // of the other one nothing is in quarantine: a bare name may mean it all the same
    const bootId = randomUUID();
    const { message } = checkMessage(messageOf({ robot, bootId, id: 0 }));
    const elsewhere = { site: 'dock', robot, node: 'detector' };
    await new MessageStore(database).store([{ ...message!, sender: elsewhere }]);
    await expect(findRobot(database, robot)).rejects.toMatchObject({
      code: 'GOSHAWK_ROBOT_AMBIGUOUS',
      message: expect.stringContaining('dock, yard') as unknown,
    });
    await expect(findRobot(database, `port/${robot}`)).rejects.toMatchObject({
      code: 'GOSHAWK_ROBOT_UNKNOWN',
    });
    const dropFrom = async (name: string) =>
      dropQuarantined(database, { ...onlyOf(''), robot: await findRobot(database, name) }, false, AUTHOR);
    expect(await dropFrom(`dock/${robot}`)).toMatchObject({ dropped: 0 });
    expect(await dropFrom(`yard/${robot}`)).toMatchObject({ dropped: 1 });
  });

  it('drops what is asked for: its numbers are declared lost', async () => {
    const robot = 'dropped';
    const bootId = randomUUID();
    await keep({ robot, bootId, id: 0 }, { robot, bootId, id: 1 });
    const [first] = await database.query<{ id: number }>(
      `select id from fleet.quarantine where topic like '%/dropped/%' order by id`,
    );
    const filter = { ...onlyOf(robot), ids: [first!.id] };
    expect(await dropQuarantined(database, filter, true, AUTHOR)).toMatchObject({
      dropped: 1,
      isDryRun: true,
    });
    expect(await dropQuarantined(database, filter, false, AUTHOR)).toMatchObject({ dropped: 1 });
    expect(await dropQuarantined(database, filter, false, AUTHOR)).toMatchObject({ dropped: 0 });
    const { entries } = await readAudit(database, { limit: 1, search: 'quarantine.drop' });
    expect(entries).toMatchObject([{ actor: 'test', before: { messages: 1 } }]);
    expect(await entryOf(robot)).toMatchObject({ quarantined: [[1, 1]], declared: [[0, 0]], holes: [] });
  });

  it('every number is stored, in quarantine, or declared, and in one of them only, whatever happens', async () => {
    const range = fc
      .tuple(fc.nat(6), fc.nat(2))
      .map(([first, more]) => ({ firstId: first, id: first + more }));
    const step = fc.oneof(
      fc.record({ what: fc.constant('keep' as const), at: fc.array(range, { minLength: 1, maxLength: 3 }) }),
      fc.record({ what: fc.constant('store' as const), at: fc.tuple(range) }),
      fc.record({ what: fc.constantFrom('replay' as const, 'drop' as const), at: fc.constant([]) }),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const robot = `law${run++}`;
        const bootId = randomUUID();
        const known = new NumberSet();
        for (const { what, at } of steps) {
          const given = at.map((one) => ({ robot, bootId, ...one }));
          for (const { firstId, id } of given) known.add(firstId, id);
          if (what === 'keep') expect(await keep(...given)).toEqual(given.map(() => true));
          else if (what === 'store') await store(given[0]!);
          else if (what === 'replay') await replay(robot);
          else await dropQuarantined(database, onlyOf(robot), false, AUTHOR);
        }
        if (known.size === 0) return;
        const { stored, quarantined, declared } = await entryOf(robot);
        const all = [...stored, ...quarantined, ...declared];
        expect(NumberSet.of(all).ranges()).toEqual(known.ranges());
        expect(all.reduce((sum, [first, last]) => sum + last - first + 1, 0)).toBe(known.size);
      }),
      { numRuns: 60 },
    );
  });

  it('is seen, replayed and dropped from the command line', async () => {
    const robot = 'operator';
    const bootId = randomUUID();
    await keep(
      { robot, bootId, id: 0 },
      { robot, bootId, id: 1, wrong: { uptimeSeconds: -1, note: '\u001b[2J' } },
    );
    const sample = received(`fleet/v1/yard/${robot}/detector/state`, Buffer.from([0x7b, 0xff]));
    await new QuarantineStore(database).keep([
      { ...sample, reason: 'json', detail: 'it is \u001b[31m not UTF-8', identity: null, isToBeKept: true },
    ]);
    const run = async (...args: string[]) => {
      const all = [CLI, 'fleet', 'quarantine', ...args, '--folder', home];
      return (await promisify(execFile)(process.execPath, all)).stdout;
    };
    const [text, json] = await Promise.all([
      run('list', '--robot', `yard/${robot}`),
      run('list', '--robot', robot, '--json'),
    ]);
    expect(text.trim().split('\n')).toHaveLength(3);
    expect(text).not.toContain('\u001b');
    const { entries } = quarantineListSchema.parse(JSON.parse(json));
    expect(entries.map(({ reason, message }) => [reason, message?.lastId])).toEqual([
      ['json', undefined],
      ['schema', 1],
      ['schema', 0],
    ]);
    const [shown, replayed] = await Promise.all([
      run('show', String(entries[0]!.id)),
      run('replay', '--robot', robot, '--json'),
    ]);
    expect(quarantinedMessageSchema.parse(JSON.parse(shown))).toMatchObject({
      encoding: 'base64',
      payload: Buffer.from([0x7b, 0xff]).toString('base64'),
    });
    const change = quarantineChangeSchema.parse(JSON.parse(replayed));
    expect(change).toMatchObject({ stored: 1, refused: { schema: 1 } });
    const [dropped, careless, unknown] = await Promise.allSettled([
      run('drop', '--robot', robot, '--reason', 'schema'),
      run('drop'),
      run('show', '999999'),
    ]);
    expect(dropped).toMatchObject({ value: expect.stringContaining('1 dropped') as unknown });
    expect(careless).toMatchObject({ reason: { stderr: expect.stringContaining('--all') as unknown } });
    expect(unknown).toMatchObject({
      reason: { stderr: expect.stringContaining('GOSHAWK_QUARANTINE_UNKNOWN') as unknown },
    });
    expect(await readLedger(database, { robot }, new Date())).toMatchObject({
      undeclaredHoles: 0,
      quarantined: { json: 1 },
      entries: [{ stored: [[0, 0]], quarantined: [], declared: [[1, 1]] }],
    });
  });
});
