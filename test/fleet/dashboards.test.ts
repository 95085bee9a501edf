import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LATENCY_EDGES_MS } from '../../src/contract/telemetry/shapes.ts';
import { percentileOf } from '../../src/core/edge-histogram.ts';
import type { Window } from '../../src/fleet/rollup/of-window.ts';
import { makeDueRollups } from '../../src/fleet/rollup/rollup-store.ts';
import { rollupBucketOf } from '../../src/fleet/rollup/window-times.ts';
import { Database } from '../../src/fleet/store/database.ts';
import { MessageStore } from '../../src/fleet/store/message-store.ts';
import { readLedger } from '../../src/fleet/store/read-ledger.ts';
import { patchSettings } from '../../src/fleet/store/robot-settings.ts';
import { asGrafanaSends, DEPLOY, sqlQueries } from '../support/dashboards.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { startFleetStore, type FleetStore } from './support/fleet-store.ts';
import { message } from './support/fleet-message.ts';

const folder = makeFleetFolder();
const NAME = { site: 'yard', robot: "o'hara" };
let fleet: FleetStore;
let database: Database;
/** as Grafana is connected */
let reader: Database;

/** A window of 10 s that ended so many seconds ago. */
function windowOf(secondsAgo: number): Buffer {
  const endMs = Date.now() - 1_000 * secondsAgo;
  const counts = [...LATENCY_EDGES_MS, 0].map((edge) => (edge === 10 ? 250 : 0));
  const latency = { edgesMs: LATENCY_EDGES_MS, counts, sumMs: 2_500 };
  const camera = {
    camera: 'front',
    received: 300,
    published: 250,
    drops: { superseded: 50 },
    inFlight: 0,
    latency,
  };
  const host = { cpuRatio: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2, temperatureCelsius: { cpu: 60 } };
  const window = { start: new Date(endMs - 10_000).toISOString(), end: new Date(endMs).toISOString() };
  const process = { residentBytes: 1, eventLoopDelayP99Ms: 0 };
  return Buffer.from(
    JSON.stringify({
      window,
      bundle: null,
      cameras: [{ ...camera, fps: { in: 30, out: 25 } }],
      process,
      host,
    }),
  );
}

beforeAll(async () => {
  fleet = await startFleetStore(join(folder.path, 'fleet'));
  ({ database } = fleet);
  const sender = { ...NAME, node: 'detector' };
  const store = new MessageStore(database);
  const boot = randomUUID();
  await store.store(
    [0, 1, 5].map((at) => {
      const json = windowOf(400 + 10 * at);
      const window = JSON.parse(json.toString()) as Window;
      return message(NAME.robot, boot, at, { sender, json, bucketMs: rollupBucketOf(window) });
    }),
  );
  await store.store([message('quiet', boot, 0, { stream: 'event', receivedMs: Date.now() - 3_600_000 })]);
  await makeDueRollups(database, new Date(Date.now() + 3_600_000));
  await patchSettings(
    database,
    NAME,
    null,
    { note: 'a' },
    { actor: 'ada', role: 'operator', address: 'here' },
  );
  await database.query(
    `insert into fleet.quarantine (received_at, topic, reason, detail, bytes, payload)
     values (now(), 'fleet/v1/yard/o''hara/detector/state', 'schema', '', 1, '')`,
  );
  await database.query(readFileSync(join(DEPLOY, 'grafana/read-only.sql'), 'utf8'));
  await database.query("alter role goshawk_grafana password 'p'");
  reader = new Database(
    { ...fleet.connection, database: 'goshawk', user: 'goshawk_grafana', password: 'p' },
    { connections: 2, statementLimitMs: 10_000 },
  );
});
afterAll(async () => {
  await reader.close();
  await fleet.close();
  folder.remove();
});

describe('dashboards, on the real database', () => {
  it.each(sqlQueries())('%s shows something', async (_place, sql) => {
    const span = { from: new Date(Date.now() - 86_400_000), to: new Date(Date.now() + 60_000) };
    const rows = await reader.query<Record<string, unknown>>(asGrafanaSends(sql, span, NAME));
    expect(rows.length).toBeGreaterThan(0);
    expect(Object.values(rows[0] ?? {}).some((value) => value !== null)).toBe(true);
  });

  it('read as a role that sees no tokens and changes nothing', async () => {
    for (const sql of ['select * from fleet.tokens', 'select * from fleet.migrations'])
      await expect(reader.query(sql)).rejects.toMatchObject({ code: 'GOSHAWK_DATABASE_REFUSED' });
    await expect(reader.query('delete from fleet.senders')).rejects.toThrow();
    await reader.query('set default_transaction_read_only = off');
    await expect(reader.query('delete from fleet.senders')).rejects.toThrow();
  });
});

describe('what dashboards calculate', () => {
  it('are the percentiles that the API has', async () => {
    const buckets = fc.array(fc.oneof(fc.constant(0), fc.nat(1_000_000)), { minLength: 26, maxLength: 26 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(buckets, share), { minLength: 20, maxLength: 20 }), async (all) => {
        const rows = await database.query<{ value: number | null }>({
          text: `
            select fleet.latency_percentile(array(select jsonb_array_elements_text(counts)::bigint), share) as value
            from rows from (unnest($1::jsonb[]), unnest($2::float8[])) with ordinality as t (counts, share, place)
            order by place`,
          values: [all.map(([counts]) => JSON.stringify(counts)), all.map(([, one]) => one)],
        });
        for (const [at, [counts, one]] of all.entries()) {
          const isEmpty = counts.every((count) => count === 0);
          const expected = percentileOf({ edgesMs: LATENCY_EDGES_MS, counts }, one);
          if (isEmpty) expect(rows[at]?.value).toBeNull();
          else expect(rows[at]?.value).toBeCloseTo(expected, 6);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('adds histograms by bucket, and knows holes as the ledger does', async () => {
    const [row] = await database.query<{ sum: unknown }>(
      "select fleet.add_counts(c)::text as sum from (values ('{1,2}'::int[]), ('{10,20}'), (null)) as t (c)",
    );
    expect(row?.sum).toBe('{11,22}');
    const { undeclaredHoles } = await readLedger(database, { robot: NAME.robot }, new Date());
    const [health] = await database.query<{ holes: number }>({
      text: 'select sum(holes)::int as holes from fleet.ledger_health where robot = $1',
      values: [NAME.robot],
    });
    expect([undeclaredHoles, health?.holes]).toEqual([3, 3]);
  });
});
