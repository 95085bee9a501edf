import type { Clip } from '../../contract/clips.ts';
import type { Speaker } from '../../contract/telemetry/speaker.ts';
import type { Database } from './database.ts';
import { PAYLOAD } from './payload-column.ts';

/** A clip as it was offered. */
export interface OfferedClip {
  readonly sender: Speaker;
  readonly offeredAt: Date;
  readonly clip: Clip;
}

interface Row {
  readonly node: string;
  readonly at: Date;
  readonly payload: Clip;
}

/**
 * The newest clips that a robot offered, or the one of a name.
 * @returns null: there is no such robot
 * @throws as `Database.query` does
 */
export async function readClips(
  database: Database,
  { site, robot }: { readonly site: string; readonly robot: string },
  which: { readonly limit: number; readonly clip?: string },
): Promise<OfferedClip[] | null> {
  const [known] = await database.query({
    text: 'select 1 from fleet.senders where site = $1 and robot = $2 limit 1',
    values: [site, robot],
  });
  if (known === undefined) return null;
  const rows = await database.query<Row>({
    text: `
      select s.node, m.at, ${PAYLOAD} as payload
      from fleet.senders s join fleet.ledger l on l.sender = s.id join fleet.messages m on m.ledger = l.id
      where s.site = $1 and s.robot = $2 and l.stream = 'clip' and ($3::text is null or ${PAYLOAD} ->> 'clip' = $3)
      order by m.received_at desc, m.last_id desc limit $4`,
    values: [site, robot, which.clip ?? null, which.limit],
  });
  return rows.map(({ node, at, payload }) => ({
    sender: { site, robot, node },
    offeredAt: at,
    clip: payload,
  }));
}
