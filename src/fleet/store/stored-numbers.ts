import type { StoredNumbers } from '../../core/ledger/stored-numbers.ts';
import type { Database } from './database.ts';
import { parseMultirange } from './multirange.ts';

interface Row {
  readonly stream: string;
  readonly boot: string;
  readonly stored: string;
  readonly numbers: number;
  readonly declared: string;
  readonly quarantined: string;
}

/** Counts the numbers of all messages, from the messages themselves. Throws as `Database.query` does. */
export async function readStoredNumbers(database: Database): Promise<readonly StoredNumbers[]> {
  const rows = await database.query<Row>(`
    select l.stream, l.boot, l.declared::text as declared,
      coalesce(range_agg(int8range(m.first_id, m.last_id, '[]')), '{}')::text as stored,
      coalesce(sum(m.last_id - m.first_id + 1), 0)::float8 as numbers,
      coalesce((select range_agg(int8range(q.first_id, q.last_id, '[]')) from fleet.quarantine q
        where q.ledger = l.id), '{}')::text as quarantined
    from fleet.ledger l left join fleet.messages m on m.ledger = l.id
    group by l.id`);
  return rows.map(({ stream, boot, stored, numbers, declared, quarantined }) => ({
    stream,
    bootId: boot,
    stored: parseMultirange(stored),
    rowNumbers: numbers,
    declared: parseMultirange(declared),
    quarantined: parseMultirange(quarantined),
  }));
}
