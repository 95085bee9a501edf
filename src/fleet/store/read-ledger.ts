import type { FleetLedger, FleetLedgerEntry } from '../../contract/fleet-ledger.ts';
import type { NumberRange } from '../../core/ledger/number-set.ts';
import type { Database } from './database.ts';
import { DECLARED, HOLES, parseMultirange, QUARANTINED } from './multirange.ts';
import { messagesSince } from './retention.ts';

interface Row {
  readonly site: string;
  readonly robot: string;
  readonly node: string;
  readonly stream: string;
  readonly boot: string;
  readonly boot_count: number | null;
  readonly stored: string;
  readonly quarantined: string;
  readonly declared: string;
  readonly holes: string;
  readonly last_at: Date | null;
  readonly last_received: Date | null;
}

/** Which rows of the ledger. */
export interface LedgerQuery {
  /** null: all robots */
  readonly robot: string | null;
  /** absent: all sites */
  readonly site?: string;
}

/** The ledger as it is now. Throws as `Database.query` does. */
export async function readLedger(
  database: Database,
  { robot, site }: LedgerQuery,
  now: Date,
): Promise<FleetLedger> {
  const rows = await database.query<Row>({
    text: `
      select s.site, s.robot, s.node, l.stream, l.boot, l.boot_count, l.stored::text,
        (${QUARANTINED})::text as quarantined, (${DECLARED})::text as declared, (${HOLES})::text as holes,
        l.last_at, l.last_received
      from fleet.ledger l join fleet.senders s on s.id = l.sender
      where ($1::text is null or s.robot = $1) and ($2::text is null or s.site = $2)
      order by s.robot, s.site, s.node, l.stream, l.boot_count nulls first, l.first_received, l.id`,
    values: [robot, site ?? null],
  });
  const quarantined = await database.query<{ reason: string; messages: number }>({
    text: `
      select reason, count(*) as messages from fleet.quarantine
      where ($1::text is null or split_part(topic, '/', 4) = $1)
        and ($2::text is null or split_part(topic, '/', 3) = $2)
      group by reason order by reason`,
    values: [robot, site ?? null],
  });
  const entries = rows.map(entryOf);
  return {
    schema: 'goshawk.fleet-ledger/1',
    generatedAt: now.toISOString(),
    robot,
    undeclaredHoles: Math.min(
      Number.MAX_SAFE_INTEGER,
      entries.reduce((sum, { holes }) => sum + sizeOf(holes), 0),
    ),
    messagesSince: await messagesSince(database),
    quarantined: Object.fromEntries(quarantined.map(({ reason, messages }) => [reason, messages])),
    entries,
  };
}

function entryOf(row: Row): FleetLedgerEntry {
  const {
    site,
    robot,
    node,
    stream,
    boot,
    boot_count: bootCount,
    last_at: at,
    last_received: received,
  } = row;
  return {
    site,
    robot,
    node,
    stream,
    bootId: boot,
    bootCount,
    stored: parseMultirange(row.stored),
    quarantined: parseMultirange(row.quarantined),
    declared: parseMultirange(row.declared),
    holes: parseMultirange(row.holes),
    lastAt: at?.toISOString() ?? null,
    lastReceivedAt: received?.toISOString() ?? null,
    lagSeconds: at === null || received === null ? null : (received.getTime() - at.getTime()) / 1_000,
  };
}

function sizeOf(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}
