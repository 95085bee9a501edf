import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { robotListSchema } from '../../src/contract/fleet/api.ts';
import { dropQuarantined } from '../../src/fleet/quarantine/drop.ts';
import { connectDatabase, embeddedAddress } from '../../src/fleet/store/open-store.ts';
import { readLedger } from '../../src/fleet/store/read-ledger.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { BAD_CONNECTIONS, badMessages, BAD_REASONS, BAD_ROBOT, GOOD_ROBOT } from './support/bad-messages.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { FleetProcess } from './support/fleet-process.ts';
import { CLIP_BOUNDS, DRIFT_BOUNDS } from './support/payload-bounds.ts';
import { refuseText } from './support/refusing-database.ts';
import { Robot } from './support/robot.ts';

const SEED = 11;
const BAD = 400;
const folder = makeFleetFolder();
const home = join(folder.path, 'fleet');
let broker: Mosquitto;
let fleet: FleetProcess;
const robots: Robot[] = [];

beforeAll(async () => {
  broker = await Mosquitto.start();
  fleet = await FleetProcess.start('--mqtt', broker.url, '--folder', home);
});
afterAll(async () => {
  for (const robot of robots) await robot.close();
  await fleet.stop();
  await broker.stop();
  folder.remove();
});

async function robotOf(name: string): Promise<Robot> {
  const robot = new Robot(broker.url, name);
  robots.push(robot);
  await robot.connect();
  return robot;
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await condition()) return;
    await sleep(100);
  }
  throw new Error(`waited in vain for ${what}\n${fleet.lines.slice(-40).join('\n')}`);
}

/** Of `/metrics`, by reason. */
async function refusals(): Promise<Map<string, number>> {
  const text = await fleet.text('/metrics');
  const found = text.matchAll(/^goshawk_fleet_refused_total\{reason="(\w+)"\} (\d+)/gm);
  return new Map([...found].map(([, reason = '', count]) => [reason, Number(count)]));
}

const total = async (): Promise<number> =>
  [...(await refusals()).values()].reduce((sum, count) => sum + count, 0);

it('takes what a hostile robot publishes through a real broker, and stores everything of the others', async () => {
  const database = connectDatabase((await embeddedAddress(home))!, 1);
  await refuseText(database, '1e999999');
  const bad = await robotOf(BAD_ROBOT);
  const good = await robotOf(GOOD_ROBOT);
  // 100 MB in one message: the broker keeps it to itself, since the ingestor takes 2 MiB
  const huge = bad.say(bad.topic('state'), Buffer.alloc(100 << 20, 0x20));
  // MQTT itself forbids these in a topic, and a filter of the ingestor's subscription does not match the others
  const publishable = badMessages(BAD, SEED).filter(({ topic }) => !/[+#\0]|\/ack$/.test(topic));
  const matching = publishable.filter(({ topic }) =>
    /^fleet\/v1(\/[^/]*){3}\/(state|event|metrics|gap|history)$/.test(topic),
  );
  for (const [at, { topic, payload }] of publishable.entries()) {
    await bad.say(topic, payload);
    if (at % 4 === 0) good.produce('metrics');
  }
  for (const { topic, payload } of BAD_CONNECTIONS) await bad.say(topic, payload);
  await huge;
  await until(() => good.unacked === 0, 'acknowledgements');
  const surely = matching.filter(({ outcomes }) => outcomes?.includes('stored') === false).length;
  await until(async () => (await total()) >= surely + BAD_CONNECTIONS.length, 'refusals');

  expect([...(await refusals()).keys()].sort()).toEqual(BAD_REASONS);
  try {
    const { entries, undeclaredHoles } = await readLedger(database, { robot: GOOD_ROBOT }, new Date());
    expect(undeclaredHoles).toBe(0);
    expect(entries.map(({ stream, stored, quarantined }) => [stream, stored, quarantined])).toEqual([
      ['metrics', [[0, good.produced('metrics') - 1]], []],
    ]);
    const [row] = await database.query<{ rows: number }>(
      `select count(*) as rows from fleet.messages m join fleet.ledger l on l.id = m.ledger
        join fleet.senders s on s.id = l.sender where s.robot = 'good'`,
    );
    expect(row?.rows).toBe(good.produced('metrics'));
  } finally {
    await database.close();
  }
  // numbers near 2^53 of the bad robot, whose ledger is absurd, do not harm what sums it up
  expect(await fleet.text('/api/v1/robots')).toContain('"robot":"bad"');
  expect(await fleet.text('/healthz')).toContain('"ok":true');
  expect(fleet.lines.filter((line) => line.includes('refused (')).length).toBeLessThan(60);
});

it('a robot that sends a thousand times its share delays no other', async () => {
  const flood = await robotOf('flood');
  const others = await Promise.all(['o1', 'o2', 'o3'].map((name) => robotOf(name)));
  for (let at = 0; at < 5_000; at += 1) {
    flood.produce('metrics');
    if (at % 500 === 0) for (const robot of others) robot.produce('metrics');
  }
  await until(() => others.every(({ unacked }) => unacked === 0), 'acknowledgements of the others');
  await until(() => flood.unacked === 0, 'acknowledgements of the flood');
  expect(flood.acked.get('metrics')?.ranges()).toEqual([[0, flood.produced('metrics') - 1]]);
  expect(fleet.lines.filter((line) => line.includes('its share')).length).toBeLessThan(10);
});

it('the board says of a robot that all its messages are in quarantine, until they are taken out', async () => {
  const robot = await robotOf('refused');
  robot.produce('state', { uptimeSeconds: -1 });
  await until(() => robot.unacked === 0, 'the acknowledgement of what is in quarantine');
  const troubles = async (): Promise<readonly string[]> => {
    const { robots } = robotListSchema.parse(JSON.parse(await fleet.text('/api/v1/robots?search=refused')));
    return robots.flatMap((one) => one.troubles.map(({ kind }) => kind));
  };
  await until(async () => (await troubles()).includes('quarantine'), 'the trouble');
  const filter = { ids: null, robot: { site: 'yard', robot: 'refused' }, reason: null };
  const database = connectDatabase((await embeddedAddress(home))!, 1);
  try {
    const author = { actor: 'test', role: null, address: 'local' };
    expect(await dropQuarantined(database, filter, false, author)).toMatchObject({ dropped: 1 });
  } finally {
    await database.close();
  }
  await until(async () => !(await troubles()).includes('quarantine'), 'the end of the trouble');
});

it('keeps drift windows and clips beyond their bounds in quarantine, and stores those of another robot', async () => {
  const database = connectDatabase((await embeddedAddress(home))!, 1);
  const [beyond, other] = [await robotOf('beyond'), await robotOf('within')];
  const bounds = { drift: Object.values(DRIFT_BOUNDS), clip: Object.values(CLIP_BOUNDS) };
  const before = (await refusals()).get('schema') ?? 0;
  for (const stream of ['drift', 'clip'] as const)
    for (const one of bounds[stream]) {
      beyond.produce(stream, one.beyond);
      other.produce(stream, one.at);
    }
  await until(() => beyond.unacked === 0 && other.unacked === 0, 'acknowledgements');
  const wrong = bounds.drift.length + bounds.clip.length;
  await until(async () => ((await refusals()).get('schema') ?? 0) >= before + wrong, 'refusals');
  const ledgerOf = async (robot: string): Promise<object> => {
    const { entries } = await readLedger(database, { robot }, new Date());
    return Object.fromEntries(entries.map((one) => [one.stream, [one.stored, one.quarantined]]));
  };
  const all = { drift: [[0, bounds.drift.length - 1]], clip: [[0, bounds.clip.length - 1]] };
  try {
    expect(await ledgerOf('beyond')).toEqual({ drift: [[], all.drift], clip: [[], all.clip] });
    expect(await ledgerOf('within')).toEqual({ drift: [all.drift, []], clip: [all.clip, []] });
  } finally {
    await database.close();
  }
});
