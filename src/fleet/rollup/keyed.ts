import type { Session } from '../store/database.ts';
import { PAYLOAD } from '../store/payload-column.ts';
import { keyColumns, type RollupKey } from '../store/rollup-rows.ts';
import { keyText } from './roll-up.ts';

/** Windows of a stream that belong to some rollups of five minutes, in one order. Throws as `Database.query` does. */
export function windowsOf<Window>(
  session: Session,
  stream: 'metrics' | 'drift',
  keys: readonly RollupKey[],
): Promise<readonly (RollupKey & { readonly window: Window })[]> {
  return session.query<RollupKey & { readonly window: Window }>({
    text: `
      select k.sender, k.bucket_ms as "bucketMs", to_char(k.day, 'YYYY-MM-DD') as day, ${PAYLOAD} as window
      from unnest($1::int4[], $2::float8[], $3::date[]) as k (sender, bucket_ms, day)
        join fleet.ledger l on l.sender = k.sender and l.stream = $4
        join fleet.messages m on m.ledger = l.id and m.bucket = to_timestamp(k.bucket_ms / 1000)
          and m.received_at >= k.day::timestamp at time zone 'UTC'
          and m.received_at < (k.day + 1)::timestamp at time zone 'UTC'
      order by m.ledger, m.last_id`,
    values: [...keyColumns(keys), stream],
  });
}

/** Each key once. */
export function uniqueKeys(keys: readonly RollupKey[]): RollupKey[] {
  const unique = new Map(
    keys.map(({ sender, bucketMs, day }) => [keyText({ sender, bucketMs, day }), { sender, bucketMs, day }]),
  );
  return [...unique.values()];
}
