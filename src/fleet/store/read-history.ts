import type { StreamBody } from '../../contract/telemetry/streams.ts';
import type { Session } from './database.ts';
import { HOLES } from './multirange.ts';
import { PAYLOAD } from './payload-column.ts';
import {
  CAMERA_COLUMNS,
  cameraRowOf,
  HOST_COLUMNS,
  hostRowOf,
  type CameraRow,
  type HostRow,
  type Step,
  type StoredCamera,
  type StoredHost,
} from './rollup-rows.ts';

/** A time by the robot's clock, from `startMs` to before `endMs`, ms since the epoch. */
export interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

/** Numbers of windows of one detector that are not there, and the time in which they must have been made. */
export interface MissingWindows {
  readonly node: string;
  readonly isDeclared: boolean;
  readonly numbers: number;
  readonly startMs: number;
  readonly endMs: number;
}

const MAX_WINDOWS = 20_000;
const MAX_MISSING = 200;
/** A robot's clock may be ahead of that of the fleet. */
export const CLOCK_SLACK = "interval '1 day'";

/** Detectors of a robot: their names by id. Throws as `Database.query` does. */
export async function readNodes(
  database: Session,
  { site, robot }: { readonly site: string; readonly robot: string },
): Promise<ReadonlyMap<number, string>> {
  const rows = await database.query<{ readonly id: number; readonly node: string }>({
    text: 'select id, node from fleet.senders where site = $1 and robot = $2 order by node',
    values: [site, robot],
  });
  return new Map(rows.map(({ id, node }) => [id, node]));
}

/** Windows that began in a time, the oldest first. Throws as `Database.query` does. */
export async function readWindows(
  database: Session,
  senders: readonly number[],
  { startMs, endMs }: TimeRange,
): Promise<readonly { readonly sender: number; readonly window: StreamBody<'metrics'> }[]> {
  const rows = await database.query<{ readonly sender: number; readonly window: StreamBody<'metrics'> }>({
    text: `
      select l.sender, ${PAYLOAD} as window
      from fleet.ledger l join fleet.messages m on m.ledger = l.id
      where l.sender = any ($1) and l.stream = 'metrics' and l.last_received >= $2::timestamptz - ${CLOCK_SLACK}
        and m.received_at >= $2::timestamptz - ${CLOCK_SLACK}
        and m.bucket >= date_bin('5 min', $2::timestamptz, 'epoch') and m.bucket < $3
      order by m.bucket desc limit $4`,
    values: [senders, new Date(startMs), new Date(endMs), MAX_WINDOWS],
  });
  return [...rows].reverse();
}

/** Rollups of a time, the oldest first. Throws as `Database.query` does. */
export async function readRollups(
  database: Session,
  step: Step,
  senders: readonly number[],
  { startMs, endMs }: TimeRange,
): Promise<{ readonly cameras: readonly CameraRow[]; readonly hosts: readonly HostRow[] }> {
  const from = (table: string): string =>
    `from fleet.${table}_${step} where sender = any ($1) and bucket >= $2 and bucket < $3 order by bucket, day`;
  const values = [senders, new Date(startMs), new Date(endMs)];
  const [cameras, hosts] = await Promise.all([
    database.query<StoredCamera>({ text: `select ${CAMERA_COLUMNS} ${from('cameras')}`, values }),
    database.query<StoredHost>({ text: `select ${HOST_COLUMNS} ${from('hosts')}`, values }),
  ]);
  return { cameras: cameras.map(cameraRowOf), hosts: hosts.map(hostRowOf) };
}

/**
 * Windows that were declared lost, or are missing without a word, by the times of those before and after them; as long
 * as these are still there. Throws as `Database.query` does.
 */
export async function readMissing(
  database: Session,
  nodes: ReadonlyMap<number, string>,
  { startMs, endMs }: TimeRange,
): Promise<readonly MissingWindows[]> {
  const rows = await database.query<{
    readonly sender: number;
    readonly declared: boolean;
    readonly numbers: number;
    readonly since: string | null;
    readonly until: string | null;
  }>({
    text: `
      with missing as (
        select l.id, l.sender, r.declared, lower(r.numbers) as first, upper(r.numbers) as next
        from fleet.ledger l, lateral (
          select true as declared, unnest(l.declared - l.stored) as numbers
          union all select false, unnest(${HOLES})
        ) as r
        where l.sender = any ($1) and l.stream = 'metrics' and l.last_received >= $2::timestamptz - ${CLOCK_SLACK}
        order by l.last_received desc, lower(r.numbers) desc limit $3
      )
      select sender, declared, next - first as numbers,
        (select ${PAYLOAD} #>> '{window,end}' from fleet.messages m
          where m.ledger = missing.id and m.last_id < first order by m.last_id desc limit 1) as since,
        (select ${PAYLOAD} #>> '{window,start}' from fleet.messages m
          where m.ledger = missing.id and m.last_id >= next order by m.last_id limit 1) as until
      from missing`,
    values: [[...nodes.keys()], new Date(startMs), MAX_MISSING],
  });
  return rows
    .map(({ sender, declared, numbers, since, until }) => ({
      node: nodes.get(sender) ?? '',
      isDeclared: declared,
      numbers,
      startMs: Date.parse(since ?? until ?? ''),
      endMs: Date.parse(until ?? since ?? ''),
    }))
    .filter((one) => one.startMs <= one.endMs && one.endMs >= startMs && one.startMs < endMs);
}
