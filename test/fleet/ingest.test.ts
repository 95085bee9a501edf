import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fleetLedgerSchema, type FleetLedger } from '../../src/contract/fleet-ledger.ts';
import { TelemetryClient } from '../../src/device/telemetry/telemetry-client.ts';
import { EmbeddedBroker } from '../../src/fleet/broker/embedded-broker.ts';
import { connectDatabase, embeddedAddress, embeddedDatabase } from '../../src/fleet/store/open-store.ts';
import { EmbeddedPostgres } from '../../src/fleet/store/embedded/embedded-postgres.ts';
import { readLedger } from '../../src/fleet/store/read-ledger.ts';
import type { Database } from '../../src/fleet/store/database.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { CLI } from '../support/programs.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { FleetProcess } from './support/fleet-process.ts';
import { refuseText } from './support/refusing-database.ts';
import { Robot } from './support/robot.ts';

const folder = makeFleetFolder();
const home = join(folder.path, 'fleet');
let broker: Mosquitto;
let fleet: FleetProcess | undefined;

const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  broker = await Mosquitto.start();
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
afterAll(async () => {
  await fleet?.stop();
  await broker.stop();
  folder.remove();
});

async function serve(url = broker.url): Promise<FleetProcess> {
  fleet = await FleetProcess.start('--mqtt', url, '--folder', home);
  return fleet;
}

async function robotAt(url: string, name: string, protocolVersion: 4 | 5 = 5): Promise<Robot> {
  const robot = new Robot(url, name);
  await robot.connect(protocolVersion);
  open.push(robot);
  return robot;
}

async function database(): Promise<Database> {
  const one = connectDatabase((await embeddedAddress(home))!, 1);
  open.push(one);
  return one;
}

async function ledgerOf(robot: string): Promise<FleetLedger> {
  const args = [CLI, 'fleet', 'ledger', robot, '--json', '--folder', home];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch(
    (error: { code: number; stdout: string; stderr: string }) => {
      // holes make the exit code 1, and are printed all the same
      if (error.code === 1 && error.stdout !== '') return error;
      throw error as unknown as Error;
    },
  );
  return fleetLedgerSchema.parse(JSON.parse(stdout));
}

/** Of a database whose password is in the environment. */
function urlOf({ connection: { host, port, user, password } }: EmbeddedPostgres): string {
  process.env['PGPASSWORD'] = password;
  return `postgresql://${user}@${host}:${port}/goshawk`;
}

/** What the tables say without the ledger's rows: numbers of each stream, counted from the messages themselves. */
async function numbersStored(robot: string): Promise<Map<string, { rows: number; numbers: number }>> {
  const rows = await (
    await database()
  ).query<{ stream: string; rows: number; numbers: number }>({
    text: `
      select l.stream, count(*) as rows, count(distinct n) as numbers
      from fleet.messages m join fleet.ledger l on l.id = m.ledger join fleet.senders s on s.id = l.sender,
        generate_series(m.first_id, m.last_id) as n
      where s.robot = $1 group by l.stream`,
    values: [robot],
  });
  return new Map(rows.map(({ stream, rows: all, numbers }) => [stream, { rows: all, numbers }]));
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await condition()) return;
    await sleep(100);
  }
  throw new Error(`waited in vain for ${what}\n${fleet?.lines.join('\n') ?? ''}`);
}

describe('goshawk fleet serve with a real Mosquitto and the embedded PostgreSQL', () => {
  it('stores what robots send, acknowledges it, and accounts for it', async () => {
    await serve();
    const robot = await robotAt(broker.url, 'r1');
    for (let i = 0; i < 50; i += 1) robot.produce('metrics');
    robot.produce('state');
    await until(() => robot.unacked === 0, 'acknowledgements');
    const ledger = await ledgerOf('r1');
    expect(ledger.undeclaredHoles).toBe(0);
    expect(ledger.entries.map(({ stream, stored, holes }) => ({ stream, stored, holes }))).toEqual([
      { stream: 'metrics', stored: [[0, 49]], holes: [] },
      { stream: 'state', stored: [[0, 0]], holes: [] },
    ]);
    expect((await numbersStored('r1')).get('metrics')).toEqual({ rows: 50, numbers: 50 });
    expect(await fleet!.text('/healthz')).toContain('"ok":true');
    const metrics = await fleet!.text('/metrics');
    expect(metrics).toContain('goshawk_fleet_messages_total{stream="metrics"} 50');
    expect(metrics).toMatch(/^ingest_lag_seconds \d/m);
  });

  it('shows a hole, and closes it when the robot declares the number lost', async () => {
    const robot = await robotAt(broker.url, 'r2');
    robot.produce('metrics');
    const lost = robot.skip('metrics');
    robot.produce('metrics');
    await until(() => robot.unacked === 0, 'acknowledgements');
    expect(await ledgerOf('r2')).toMatchObject({ undeclaredHoles: 1, entries: [{ holes: [[1, 1]] }] });
    robot.produce('gap', {
      stream: 'metrics',
      lostBootId: robot.bootId,
      ranges: [[lost, lost]],
      reason: 'overflow',
    });
    await until(() => robot.unacked === 0, 'acknowledgements');
    expect(await ledgerOf('r2')).toMatchObject({
      undeclaredHoles: 0,
      entries: [
        { stream: 'gap', stored: [[0, 0]] },
        {
          stream: 'metrics',
          stored: [
            [0, 0],
            [2, 2],
          ],
          declared: [[1, 1]],
          holes: [],
        },
      ],
    });
  });

  it('takes a merged message for the ones that it replaces, also for one that it has already', async () => {
    const robot = await robotAt(broker.url, 'r3');
    robot.produce('metrics');
    await until(() => robot.unacked === 0, 'acknowledgements');
    const ids = [robot.skip('metrics'), robot.skip('metrics')];
    const template = new Robot(broker.url, 'r3');
    const body = {
      window: { start: '2026-01-01T00:00:00.000Z', end: '2026-01-01T00:00:30.000Z' },
      bundle: null,
      cameras: [],
      process: { residentBytes: 1, eventLoopDelayP99Ms: 0.1 },
      host: {},
    };
    const header = { ...template.header(ids[1]!), bootId: robot.bootId };
    const merged = (firstHeaderId: number) => JSON.stringify({ ...header, firstHeaderId, ...body });
    robot.keep({ stream: 'metrics', headerId: 2, payload: merged(1) });
    await until(() => robot.unacked === 0, 'acknowledgements');
    expect((await numbersStored('r3')).get('metrics')).toEqual({ rows: 3, numbers: 3 });
    const all = robot.skip('metrics');
    const whole = { ...template.header(all), bootId: robot.bootId, firstHeaderId: 0, ...body };
    robot.keep({ stream: 'metrics', headerId: all, payload: JSON.stringify(whole) });
    await until(() => robot.unacked === 0, 'acknowledgements');
    const rows = await (
      await database()
    ).query<{ first_id: number; last_id: number }>(
      `select first_id, last_id from fleet.messages m join fleet.ledger l on l.id = m.ledger
       join fleet.senders s on s.id = l.sender where s.robot = 'r3'`,
    );
    expect(rows).toEqual([{ first_id: 0, last_id: 3 }]);
    expect((await ledgerOf('r3')).entries[0]).toMatchObject({ stored: [[0, 3]], holes: [] });
  });

  it("empties the outbox of a robot's runtime, also of what it made while the fleet was away", async () => {
    const settings = {
      urls: [broker.url],
      site: 'yard',
      robot: 'real',
      node: 'detector',
      manufacturer: 'Goshawk',
    };
    const outbox = join(folder.path, 'outbox');
    const entry = new URL('../../src/device/telemetry/telemetry-main.ts', import.meta.url);
    const connect = (): TelemetryClient => {
      const client = new TelemetryClient(
        { ...settings, outbox, bootId: randomUUID() },
        entry,
        () => undefined,
        () => undefined,
      );
      open.push(client);
      return client;
    };
    await fleet!.stop();
    const first = connect();
    for (let i = 0; i < 3; i += 1) first.send('metrics', Robot.metricsBody);
    await until(() => first.status.streams?.metrics.waiting === 3, 'the outbox');
    await first.close();
    await serve();
    const second = connect();
    second.send('metrics', Robot.metricsBody);
    second.lose('metrics');
    await until(
      () =>
        Object.values(second.status.streams ?? { none: { waiting: 1 } }).every(
          ({ waiting }) => waiting === 0,
        ),
      'an empty outbox',
    );
    const { undeclaredHoles, entries } = await ledgerOf('real');
    expect(undeclaredHoles).toBe(0);
    const metrics = entries.filter(({ stream }) => stream === 'metrics');
    expect(metrics.map(({ bootCount, stored }) => ({ bootCount, stored }))).toEqual([
      { bootCount: 0, stored: [[0, 2]] },
      { bootCount: 1, stored: [[0, 0]] },
    ]);
    expect(metrics[1]!.declared).toContainEqual([1, 1]);
  });

  it('keeps wrong messages apart, counts them by reason, and goes on', async () => {
    const robot = await robotAt(broker.url, 'r4');
    const good = {
      ...robot.header(0),
      uptimeSeconds: 1,
      lifecycle: 'active',
      bundle: null,
      cameras: [],
      host: {},
    };
    const topic = robot.topic('state');
    const ofNumber = (headerId: number, more: object) => JSON.stringify({ ...good, headerId, ...more });
    const wrong: [string, string | Buffer][] = [
      ['json', '{"headerId":'],
      ['json', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
      ['json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
      ['too_large', ofNumber(1, { more: 'x'.repeat(1_100_000) })],
      ['schema', ofNumber(2, { uptimeSeconds: -1 })],
      ['version', ofNumber(3, { version: '2.0.0' })],
      ['identity', ofNumber(4, { serialNumber: 'r1' })],
      ['numbers', ofNumber(0, { firstHeaderId: 1 })],
      ['text', ofNumber(5, { more: 'a\0b' })],
      ['text', `${ofNumber(6, {}).slice(0, -1)},"more":"\\ud800"}`],
    ];
    await refuseText(await database(), '1e999999');
    for (const [, payload] of wrong) await robot.say(topic, payload);
    await robot.say('fleet/v1/yard/r 4/detector/state', JSON.stringify(good));
    await robot.say(topic, `${JSON.stringify({ ...good, headerId: 7 }).slice(0, -1)},"huge":1e999999}`);
    // what a database may choke on, and takes
    const markup = `'); drop table fleet.messages; -- <script> \\\\u0000`;
    const odd = `${JSON.stringify(good).slice(0, -1)},"more":"${markup}",`;
    robot.keep({ stream: 'state', headerId: 0, payload: `${odd}"big":1e400,"__proto__":{"a":1}}` });
    await until(() => robot.unacked === 0, 'the acknowledgement of the good one');
    await until(async () => (await fleet!.text('/metrics')).includes('reason="topic"} 1'), 'counts');
    const metrics = await fleet!.text('/metrics');
    expect(metrics).toContain('goshawk_fleet_refused_total{reason="database"} 1');
    for (const reason of new Set(wrong.map(([each]) => each))) {
      const count = wrong.filter(([each]) => each === reason).length;
      expect(metrics).toContain(`goshawk_fleet_refused_total{reason="${reason}"} ${count}`);
    }
    const kept = await (
      await database()
    ).query<{ reason: string; bytes: number }>(
      `select reason, bytes from fleet.quarantine where topic like 'fleet/v1/yard/r4/%' order by id`,
    );
    const reasons = kept.map(({ reason }) => reason);
    expect(reasons.sort()).toEqual([...wrong.map(([reason]) => reason), 'database'].sort());
    expect(kept.find(({ reason }) => reason === 'too_large')!.bytes).toBeGreaterThan(1 << 20);
    // what is whole in quarantine is acknowledged; of the others, robots keep what they have
    const quarantined = [
      [2, 3],
      [5, 7],
    ];
    expect((await ledgerOf('r4')).entries[0]).toMatchObject({ stored: [[0, 0]], quarantined });
    expect(robot.acked.get('state')!.ranges()).toEqual([[0, 0], ...quarantined]);
  });

  it('loses nothing and stores nothing twice while ingestor and database are killed', async () => {
    const robots = await Promise.all(['k1', 'k2', 'k3'].map((name) => robotAt(broker.url, name)));
    const production = setInterval(() => {
      for (const robot of robots) for (let i = 0; i < 5; i += 1) robot.produce('metrics');
    }, 20);
    try {
      for (let round = 0; round < 2; round += 1) {
        await sleep(1_500);
        const pid = Number(readFileSync(join(home, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
        process.kill(pid, 'SIGKILL');
        await sleep(2_500);
        await fleet!.kill();
        await sleep(300);
        await serve();
      }
      await sleep(1_000);
    } finally {
      clearInterval(production);
    }
    await until(() => robots.every(({ unacked }) => unacked === 0), 'acknowledgements');
    for (const robot of robots) {
      const produced = robot.produced('metrics');
      expect(produced).toBeGreaterThan(500);
      const { undeclaredHoles, entries } = await ledgerOf(robot.robot);
      expect(undeclaredHoles).toBe(0);
      expect(entries[0]!.stored).toEqual([[0, produced - 1]]);
      expect((await numbersStored(robot.robot)).get('metrics')).toEqual({
        rows: produced,
        numbers: produced,
      });
    }
  });

  it('finds holes where messages were acknowledged before their commit: the check above can fail', async () => {
    const postgres = await EmbeddedPostgres.start({
      folder: join(folder.path, 'faulty'),
      say: () => undefined,
    });
    open.push({ close: () => postgres.stop() });
    await embeddedDatabase(postgres.connection);
    const quiet = await Mosquitto.start();
    open.push({ close: () => quiet.stop() });
    const own = ['--mqtt', quiet.url, '--database', urlOf(postgres), '--seconds', '60'];
    const faulty = await FleetProcess.start(...own, '--early-acks');
    const robot = await robotAt(quiet.url, 'unlucky');
    while (robot.acked.get('metrics') === undefined || robot.produced('metrics') < 100) {
      robot.produce('metrics');
      await sleep(10);
    }
    await faulty.kill();
    const fixed = await FleetProcess.start(...own);
    try {
      robot.produce('metrics');
      await until(() => robot.unacked === 0, 'acknowledgements');
    } finally {
      await fixed.stop();
    }
    const store = connectDatabase((await embeddedAddress(join(folder.path, 'faulty')))!, 1);
    const { undeclaredHoles } = await readLedger(store, { robot: 'unlucky' }, new Date());
    await store.close();
    expect(undeclaredHoles).toBeGreaterThan(0);
  });

  it('ends in order', async () => {
    expect(await fleet!.stop()).toBe(0);
    fleet = undefined;
  });

  it('works with a broker of MQTT 3.1.1 that cannot share subscriptions', async () => {
    const small = await EmbeddedBroker.listen(0);
    open.push(small);
    await serve(small.url);
    const robot = await robotAt(small.url, 'old', 4);
    for (let i = 0; i < 20; i += 1) robot.produce('metrics');
    await until(() => robot.unacked === 0, 'acknowledgements');
    expect((await ledgerOf('old')).entries[0]).toMatchObject({ stored: [[0, 19]] });
    expect(await fleet!.stop()).toBe(0);
    fleet = undefined;
  });
});
