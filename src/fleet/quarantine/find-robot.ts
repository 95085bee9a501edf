import { GoshawkError } from '../../contract/errors.ts';
import type { Database } from '../store/database.ts';
import type { RobotName } from '../store/robot-settings.ts';
import { harmless } from './describe-quarantine.ts';

/** As many sites as an error names. */
const MAX_SITES = 10;

/**
 * The robot that somebody means, of those of which anything was received, be it only in quarantine.
 * @param text `NAME` or `SITE/NAME`
 * @throws GoshawkError GOSHAWK_ROBOT_UNKNOWN, GOSHAWK_ROBOT_AMBIGUOUS; as `Database.query` does
 */
export async function findRobot(database: Database, text: string): Promise<RobotName> {
  const { site, robot } = parse(text);
  const sites = await sitesOf(database, robot);
  const [first, ...others] = site === null ? sites : sites.filter((one) => one === site);
  if (first === undefined) throw new GoshawkError('GOSHAWK_ROBOT_UNKNOWN', { robot: text });
  if (others.length > 0) throw new GoshawkError('GOSHAWK_ROBOT_AMBIGUOUS', { robot, sites: listOf(sites) });
  return { site: first, robot };
}

function parse(text: string): { readonly site: string | null; readonly robot: string } {
  const slash = text.indexOf('/');
  return slash < 0
    ? { site: null, robot: text }
    : { site: text.slice(0, slash), robot: text.slice(slash + 1) };
}

async function sitesOf(database: Database, robot: string): Promise<readonly string[]> {
  const rows = await database.query<{ readonly site: string }>({
    text: `
      select site from fleet.senders where robot = $1
      union select split_part(topic, '/', 3) from fleet.quarantine where split_part(topic, '/', 4) = $1
      order by site`,
    values: [robot],
  });
  return rows.map(({ site }) => site);
}

/** Topics in quarantine may have anything in the place of a site. */
function listOf(sites: readonly string[]): string {
  const more = sites.length > MAX_SITES ? [`${sites.length - MAX_SITES} more`] : [];
  return [...sites.slice(0, MAX_SITES).map(harmless), ...more].join(', ');
}
