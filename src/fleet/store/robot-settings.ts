import {
  changeSettings,
  NO_SETTINGS,
  type RobotSettings,
  type SettingsChange,
} from '../../contract/fleet/robot-settings.ts';
import { noteChange, type Author } from './audit.ts';
import type { Database, Session } from './database.ts';

/** Names a robot. */
export interface RobotName {
  readonly site: string;
  readonly robot: string;
}

/** Settings, and the version that a change of them has to name. */
export interface VersionedSettings {
  readonly settings: RobotSettings;
  /** 0 where nobody ever set anything */
  readonly version: number;
}

/**
 * - `unknown`: the fleet has nothing of this robot
 * - `stale`: somebody changed the settings meanwhile
 * - `full`: there would be too many labels
 */
export type SettingsRefusal = 'unknown' | 'stale' | 'full';

interface Row extends RobotName {
  readonly version: number;
  readonly note: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly muted_until: Date | null;
}

const COLUMNS = 'site, robot, version, note, labels, muted_until';

/** Settings of one robot; null if the fleet has nothing of it. Throws as `Database.query` does. */
export function readSettings(database: Database, name: RobotName): Promise<VersionedSettings | null> {
  return database.session(async (session) => {
    const isKnown = (await session.query(senders(name, ''))).length > 0;
    return isKnown ? settingsIn(session, name) : null;
  });
}

/** Robots whose trouble is known, as `SITE/ROBOT`. Throws as `Database.query` does. */
export async function readMuted(database: Database, now: Date): Promise<ReadonlySet<string>> {
  const rows = await database.query<RobotName>({
    text: 'select site, robot from fleet.robot_settings where muted_until > $1',
    values: [now],
  });
  return new Set(rows.map(({ site, robot }) => `${site}/${robot}`));
}

/** Settings of some robots, by `SITE/ROBOT`; without those that have none. Throws as `Database.query` does. */
export async function readAllSettings(
  database: Session,
  names: readonly RobotName[],
): Promise<ReadonlyMap<string, RobotSettings>> {
  const rows = await database.query<Row>({
    text: `
      select ${COLUMNS} from fleet.robot_settings
      where (robot, site) in (select n.robot, n.site from unnest($1::text[], $2::text[]) as n (site, robot))`,
    values: [names.map(({ site }) => site), names.map(({ robot }) => robot)],
  });
  return new Map(rows.map((row) => [`${row.site}/${row.robot}`, settingsOf(row)]));
}

/**
 * Changes settings, with a line in the audit, if they are still those of a version.
 * @param version null for whatever they are
 * @throws as `Database.query` does
 */
export function patchSettings(
  database: Database,
  name: RobotName,
  version: number | null,
  change: SettingsChange,
  author: Author,
): Promise<VersionedSettings | SettingsRefusal> {
  return database.transaction(async (session) => {
    // two changes of one robot come one after the other, also where it has no settings yet
    if ((await session.query(senders(name, 'for no key update'))).length === 0) return 'unknown';
    const before = await settingsIn(session, name);
    if (version !== null && version !== before.version) return 'stale';
    const after = changeSettings(before.settings, change);
    if (after === null) return 'full';
    const target = `${name.site}/${name.robot}`;
    await noteChange(session, author, { action: 'robot.settings', target, before: before.settings, after });
    return { settings: after, version: await write(session, name, after) };
  });
}

async function write(session: Session, { site, robot }: RobotName, settings: RobotSettings): Promise<number> {
  const [row] = await session.query<{ version: number }>({
    text: `
      insert into fleet.robot_settings (site, robot, note, labels, muted_until) values ($1, $2, $3, $4, $5)
      on conflict (robot, site) do update set note = excluded.note, labels = excluded.labels,
        muted_until = excluded.muted_until, version = excluded.version, changed_at = excluded.changed_at
      returning version`,
    values: [site, robot, settings.note, JSON.stringify(settings.labels), settings.mutedUntil],
  });
  return row?.version ?? 0;
}

async function settingsIn(session: Session, { site, robot }: RobotName): Promise<VersionedSettings> {
  const [row] = await session.query<Row>({
    text: `select ${COLUMNS} from fleet.robot_settings where site = $1 and robot = $2`,
    values: [site, robot],
  });
  return row === undefined
    ? { settings: NO_SETTINGS, version: 0 }
    : { settings: settingsOf(row), version: row.version };
}

function settingsOf({ note, labels, muted_until: until }: Row): RobotSettings {
  return { note, labels: { ...labels }, mutedUntil: until?.toISOString() ?? null };
}

function senders(
  { site, robot }: RobotName,
  lock: '' | 'for no key update',
): { text: string; values: string[] } {
  return {
    text: `select id from fleet.senders where robot = $1 and site = $2 order by id ${lock}`,
    values: [robot, site],
  };
}
