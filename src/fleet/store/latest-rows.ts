import type { Speaker } from '../../contract/telemetry/speaker.ts';
import { jsonArray } from './binary-array.ts';
import type { Database, Session } from './database.ts';
import type { PackedWindow } from './packed-window.ts';
import { sumOf } from './multirange.ts';

/** The last minute of a detector: sums of its windows, all cameras together. */
export interface Summary {
  /** of its newest window */
  readonly id: string;
  readonly atMs: number;
  /** their length, ms */
  readonly ms: number;
  readonly cameras: number;
  readonly received: number;
  readonly published: number;
  readonly drops: Readonly<Record<string, number>>;
  /** counts between `LATENCY_EDGES_MS` */
  readonly latency: readonly number[];
  readonly temperatureCelsius: number | null;
}

/** What a message says of how its detector is now. */
export type LatestNews = { readonly state: object } | { readonly window: PackedWindow };

/** What one detector sent lately. */
export interface LatestChange {
  readonly sender: Speaker;
  /** of its newest state; null if there is none */
  readonly state: object | null;
  readonly stateAtMs: number;
  readonly windows: readonly PackedWindow[];
}

/** SQL: how the ledger of the sender of a row `i` stands, from its recent boots and the sum of all others. */
const LEDGER_OF_I = `
  select max(last_received) as last_received, ${sumOf('stored')} as stored, ${sumOf('quarantined')} as quarantined,
    ${sumOf('declared')} as declared, ${sumOf('holes')} as holes
  from fleet.ledger_sums where sender = i.sender`;

/**
 * Brings rows of `fleet.latest` up to date, each once.
 * @param merge makes the windows of a row, and their summary, of those that it had and those that came
 * @throws as `Database.query` does
 */
export async function updateLatest(
  database: Pick<Database, 'transaction'>,
  changes: readonly LatestChange[],
  merge: (windows: readonly PackedWindow[]) => {
    readonly recent: readonly PackedWindow[];
    readonly summary: object | null;
  },
): Promise<void> {
  await database.transaction(async (session) => {
    const known = await lockRows(session, changes);
    const merged = known.map(({ at, recent }) => {
      const { windows, state, stateAtMs } = changes[at] ?? { windows: [], state: null, stateAtMs: 0 };
      return { ...merge([...windows, ...(recent ?? [])]), state, stateAtMs };
    });
    await session.query({
      text: `
        insert into fleet.latest as n (sender, updated_at, last_received, stored, quarantined, declared, holes,
          state, state_at,
          recent, summary)
        select i.sender, clock_timestamp(), l.last_received, l.stored, l.quarantined, l.declared, l.holes, i.state,
          to_timestamp(i.state_ms / 1000), i.recent, i.summary
        from unnest($1::int4[], $2::json[], $3::float8[], $4::json[], $5::json[])
            as i (sender, state, state_ms, recent, summary),
          lateral (${LEDGER_OF_I}) as l
        order by i.sender
        on conflict (sender) do update set
          updated_at = excluded.updated_at, last_received = excluded.last_received, stored = excluded.stored,
          quarantined = excluded.quarantined, declared = excluded.declared, holes = excluded.holes,
          recent = excluded.recent, summary = excluded.summary,
          state = case when excluded.state is null or excluded.state_at < n.state_at then n.state
            else excluded.state end,
          state_at = case when excluded.state is null then n.state_at
            else greatest(n.state_at, excluded.state_at) end`,
      values: [
        known.map(({ sender }) => sender),
        jsonArray(merged.map(({ state }) => jsonOf(state))),
        merged.map(({ stateAtMs }) => stateAtMs),
        jsonArray(merged.map(({ recent }) => jsonOf(recent))),
        jsonArray(merged.map(({ summary }) => jsonOf(summary))),
      ],
    });
  });
}

function jsonOf(value: object | null): Uint8Array | null {
  return value === null ? null : Buffer.from(JSON.stringify(value));
}

/**
 * Brings what rows of `fleet.latest` say of the ledger up to date, after a change that no message of the detectors
 * brought. Part of the transaction of that change. Throws as `Session.query` does.
 */
export async function recountLatest(session: Session, senders: readonly number[]): Promise<void> {
  await session.query({
    text: 'select 1 from fleet.latest where sender = any ($1) order by sender for update',
    values: [senders],
  });
  // a statement after the lock: it sees the ledger as whoever had the rows before saw it, or later
  await session.query({
    text: `
      update fleet.latest n set
        updated_at = clock_timestamp(), last_received = l.last_received, stored = l.stored,
        quarantined = l.quarantined, declared = l.declared, holes = l.holes
      from (select distinct sender from unnest($1::int4[]) as s (sender)) as i, lateral (${LEDGER_OF_I}) as l
      where n.sender = i.sender`,
    values: [senders],
  });
}

/** Rows of detectors, locked in one order everywhere; `recent` is null for one that has no row yet. */
async function lockRows(
  session: Session,
  changes: readonly LatestChange[],
): Promise<
  readonly { readonly at: number; readonly sender: number; readonly recent: readonly PackedWindow[] | null }[]
> {
  const found = await session.query<{ at: number; sender: number }>({
    text: `
      select k.at::integer - 1 as at, s.id as sender
      from unnest($1::text[], $2::text[], $3::text[]) with ordinality as k (site, robot, node, at)
        join fleet.senders s using (site, robot, node)
      order by s.id`,
    values: [
      changes.map(({ sender }) => sender.site),
      changes.map(({ sender }) => sender.robot),
      changes.map(({ sender }) => sender.node),
    ],
  });
  const rows = await session.query<{ sender: number; recent: readonly PackedWindow[] }>({
    text: 'select sender, recent from fleet.latest where sender = any ($1) order by sender for update',
    values: [found.map(({ sender }) => sender)],
  });
  const recents = new Map(rows.map(({ sender, recent }) => [sender, recent]));
  return found.map((one) => ({ ...one, recent: recents.get(one.sender) ?? null }));
}
