import type { Database, Session } from '../store/database.ts';
import { PAYLOAD } from '../store/payload-column.ts';
import { rollupLagSeconds } from './rollup-store.ts';
import { rollupBucketOf } from './window-times.ts';

/** Of one transaction: their rollups are made in seconds. */
const MAX_MESSAGES = 500;
/** While rollups are late for longer, no others are asked for: new ones wait no longer than this. */
const MAX_LAG_SECONDS = 10;

/** Messages of a row of the ledger that have no rollup. */
interface Place {
  readonly ledger: number;
  readonly doneId: number;
}

interface Found {
  readonly lastId: number;
  readonly start: string;
}

/**
 * Asks for the rollups of drift windows that were stored before there were any (migration 010), some of one stream at a
 * time. What it did and where it is are one transaction, so it may be ended at any time.
 * @returns whether to go on at once: false if all is done, others work on it, or rollups are late already
 * @throws as `Database.query` does
 */
export async function backfillDrift(database: Pick<Database, 'query' | 'transaction'>): Promise<boolean> {
  if ((await rollupLagSeconds(database)) > MAX_LAG_SECONDS) return false;
  return database.transaction(async (session) => {
    const [place] = await session.query<Place>(
      'select ledger, done_id as "doneId" from fleet.drift_backfill order by ledger limit 1 for update skip locked',
    );
    if (place === undefined) return false;
    const found = await findMessages(session, place);
    await askForRollups(session, place, found);
    await noteProgress(session, place, found.length < MAX_MESSAGES ? undefined : found.at(-1));
    return true;
  });
}

function findMessages(session: Session, { ledger, doneId }: Place): Promise<readonly Found[]> {
  return session.query<Found>({
    text: `
      select m.last_id as "lastId", ${PAYLOAD} #>> '{window,start}' as start
      from fleet.messages m join fleet.drift_backfill b on b.ledger = m.ledger
      where m.ledger = $1 and m.last_id > $2 and m.received_at < b.before and m.bucket is null
      order by m.last_id limit $3`,
    values: [ledger, doneId, MAX_MESSAGES],
  });
}

/** Their buckets follow from their payloads as at the receipt of new ones. */
async function askForRollups(session: Session, { ledger }: Place, found: readonly Found[]): Promise<void> {
  const buckets = found.map(({ start }) => rollupBucketOf({ window: { start } }));
  await session.query({
    text: `
      with placed as (
        update fleet.messages m set bucket = to_timestamp(i.bucket_ms / 1000)
        from unnest($2::int8[], $3::float8[]) as i (last_id, bucket_ms)
        where m.ledger = $1 and m.last_id = i.last_id and m.bucket is null and i.bucket_ms is not null
        returning m.bucket, (m.received_at at time zone 'UTC')::date as day
      )
      insert into fleet.rollup_jobs (sender, bucket, day, ready_at)
      select distinct l.sender, p.bucket, p.day, now() from placed p, fleet.ledger l where l.id = $1`,
    values: [ledger, found.map(({ lastId }) => lastId), buckets],
  });
}

/** @param last message that is done; undefined: there are no others */
async function noteProgress(session: Session, { ledger }: Place, last: Found | undefined): Promise<void> {
  await session.query(
    last === undefined
      ? { text: 'delete from fleet.drift_backfill where ledger = $1', values: [ledger] }
      : {
          text: 'update fleet.drift_backfill set done_id = $2 where ledger = $1',
          values: [ledger, last.lastId],
        },
  );
}
