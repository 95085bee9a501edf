import type { QuarantineEntry, QuarantineList, QuarantinedMessage } from '../../contract/fleet-quarantine.ts';
import type { Database } from '../store/database.ts';
import type { RobotName } from '../store/robot-settings.ts';

/** Which messages in quarantine; null for any. */
export interface QuarantineFilter {
  readonly ids: readonly number[] | null;
  readonly robot: RobotName | null;
  readonly reason: string | null;
}

interface Row {
  readonly id: number;
  readonly received_at: Date;
  readonly topic: string;
  readonly reason: string;
  readonly detail: string;
  readonly bytes: number;
  readonly stream: string | null;
  readonly boot: string;
  readonly first_id: number;
  readonly last_id: number;
}

/** SQL: whether a row `q` is selected, with the parameters `$1` to `$3` of `parametersOf`. */
export const IS_SELECTED = `
  ($1::int8[] is null or q.id = any ($1))
  and ($2::text is null or split_part(q.topic, '/', 3) || '/' || split_part(q.topic, '/', 4) = $2)
  and ($3::text is null or q.reason = $3)`;

export function parametersOf({ ids, robot, reason }: QuarantineFilter): readonly unknown[] {
  return [ids, robot === null ? null : textOf(robot), reason];
}

const textOf = ({ site, robot }: RobotName): string => `${site}/${robot}`;

/** In words, for the audit. */
export function filterText({ ids, robot, reason }: QuarantineFilter): string {
  const words = [
    ids === null ? [] : `ids ${ids.slice(0, 20).join(',')}${ids.length > 20 ? ',...' : ''}`,
    robot === null ? [] : `robot ${textOf(robot)}`,
    reason === null ? [] : `reason ${reason}`,
  ].flat();
  return words.length === 0 ? 'all' : words.join(', ');
}

const COLUMNS = `q.id, q.received_at, q.topic, q.reason, q.detail, q.bytes, l.stream, l.boot, q.first_id, q.last_id`;
const TABLES = 'fleet.quarantine q left join fleet.ledger l on l.id = q.ledger';

/** The newest messages in quarantine. Throws as `Database.query` does. */
export async function listQuarantine(
  database: Database,
  filter: QuarantineFilter,
  limit: number,
  now: Date,
): Promise<QuarantineList> {
  const rows = await database.query<Row & { readonly total: number }>({
    text: `
      select ${COLUMNS}, count(*) over () as total from ${TABLES}
      where ${IS_SELECTED} order by q.id desc limit $4`,
    values: [...parametersOf(filter), limit],
  });
  return {
    schema: 'goshawk.fleet-quarantine/1',
    generatedAt: now.toISOString(),
    total: rows[0]?.total ?? 0,
    entries: rows.map(entryOf),
  };
}

/** One message with its payload; null if there is none of this id. Throws as `Database.query` does. */
export async function showQuarantined(database: Database, id: number): Promise<QuarantinedMessage | null> {
  const [row] = await database.query<Row & { readonly payload: Buffer }>({
    text: `select ${COLUMNS}, q.payload from ${TABLES} where q.id = $1`,
    values: [id],
  });
  if (row === undefined) return null;
  const text = row.payload.toString('utf8');
  const isText = Buffer.from(text).equals(row.payload);
  return {
    ...entryOf(row),
    encoding: isText ? 'utf8' : 'base64',
    payload: isText ? text : row.payload.toString('base64'),
  };
}

function entryOf(row: Row): QuarantineEntry {
  const { id, topic, reason, detail, bytes, stream, boot: bootId, first_id: firstId, last_id: lastId } = row;
  return {
    id,
    receivedAt: row.received_at.toISOString(),
    topic,
    reason,
    detail,
    bytes,
    message: stream === null ? null : { stream, bootId, firstId, lastId },
  };
}
