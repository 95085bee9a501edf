import { noteChange, type Author } from './audit.ts';
import type { Database, Session } from './database.ts';
import type { RobotName } from './robot-settings.ts';

/** What a robot was, for the audit. */
export interface DeletedRobot {
  readonly nodes: readonly string[];
  /** rows of messages that went with it */
  readonly messages: number;
  readonly lastMessageAt: string | null;
}

interface Sender {
  readonly id: number;
  readonly node: string;
  readonly last_received: Date | null;
}

/**
 * Deletes everything that the fleet has of a robot, with a line in the audit that stays. One that sent something lately
 * is not deleted: its next message would begin a ledger whose numbers below are missing.
 * @param quietSince nothing may have come since
 * @returns what it was; `unknown` if the fleet has nothing of it, `active` if it is not quiet
 * @throws as `Database.query` does
 */
export function deleteRobot(
  database: Database,
  name: RobotName,
  quietSince: Date,
  author: Author,
): Promise<DeletedRobot | 'unknown' | 'active'> {
  return database.transaction(async (session) => {
    const senders = await lockSenders(session, name);
    if (senders.length === 0) return 'unknown';
    const last = Math.max(...senders.map(({ last_received: at }) => at?.getTime() ?? 0));
    if (last > quietSince.getTime()) return 'active';
    const messages = await deleteRows(
      session,
      name,
      senders.map(({ id }) => id),
    );
    const lastMessageAt = last === 0 ? null : new Date(last).toISOString();
    const before = { nodes: senders.map(({ node }) => node), messages, lastMessageAt };
    const target = `${name.site}/${name.robot}`;
    await noteChange(session, author, { action: 'robot.delete', target, before, after: null });
    return before;
  });
}

function lockSenders(session: Session, { site, robot }: RobotName): Promise<readonly Sender[]> {
  return session.query<Sender>({
    text: `
      select s.id, s.node, (select max(last_received) from fleet.ledger where sender = s.id) as last_received
      from fleet.senders s where s.robot = $1 and s.site = $2 order by s.id for update of s`,
    values: [robot, site],
  });
}

/** @returns how many messages there were */
async function deleteRows(
  session: Session,
  { site, robot }: RobotName,
  senders: readonly number[],
): Promise<number> {
  const [row] = await session.query<{ messages: number }>({
    text: `
      with gone as (
        delete from fleet.messages
        where ledger in (select id from fleet.ledger where sender = any ($1::int[])) returning 1
      ) select count(*) as messages from gone`,
    values: [senders],
  });
  await session.query({
    text: `
      delete from fleet.quarantine
      where ledger in (select id from fleet.ledger where sender = any ($1::int[]))
        or topic like 'fleet/v1/' || $2 || '/%'`,
    values: [senders, likeText(`${site}/${robot}`)],
  });
  await session.query({ text: 'delete from fleet.ledger where sender = any ($1::int[])', values: [senders] });
  await session.query({ text: 'delete from fleet.senders where id = any ($1::int[])', values: [senders] });
  await session.query({
    text: 'delete from fleet.robot_settings where site = $1 and robot = $2',
    values: [site, robot],
  });
  await session.query({
    text: 'delete from fleet.ledger_growth where site = $1 and robot = $2',
    values: [site, robot],
  });
  return row?.messages ?? 0;
}

/** A text as LIKE finds it: `_` and `%` stand for themselves. */
function likeText(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
