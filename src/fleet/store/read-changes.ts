import type { Database } from './database.ts';

interface Row {
  readonly site: string;
  readonly robot: string;
  readonly at: Date;
}

/**
 * Robots of which something new is in `fleet.latest`, or which operators changed, since then. Throws as
 * `Database.query` does.
 */
export async function readChanges(
  database: Database,
  since: Date,
): Promise<readonly { readonly site: string; readonly robot: string; readonly atMs: number }[]> {
  const rows = await database.query<Row>({
    name: 'read-changes',
    text: `
      select site, robot, max(at) as at from (
        select s.site, s.robot, l.updated_at as at from fleet.latest l join fleet.senders s on s.id = l.sender
        where l.updated_at > $1
        union all select site, robot, changed_at from fleet.robot_settings where changed_at > $1
      ) as changes group by site, robot`,
    values: [since],
  });
  return rows.map(({ site, robot, at }) => ({ site, robot, atMs: at.getTime() }));
}
