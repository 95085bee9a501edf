import type { ListQuery } from '../../contract/fleet/api.ts';
import type { RobotState } from './summarize.ts';
import { rankOf } from '../../core/trouble/trouble.ts';

/**
 * Robots that were asked for, in the order that was asked for, and how many there are on all pages.
 * @param muted robots whose trouble is known, as `SITE/ROBOT`: they come after those whose trouble is not
 */
export function selectRobots(
  robots: readonly RobotState[],
  { search, order, limit, offset }: ListQuery,
  muted: ReadonlySet<string>,
): { readonly total: number; readonly page: readonly RobotState[] } {
  const wanted = search.toLowerCase();
  const found =
    wanted === ''
      ? [...robots]
      : robots.filter((robot) => textsOf(robot).some((text) => text.includes(wanted)));
  const sorted = order === 'trouble' ? byTrouble(found, muted) : found.sort(byName);
  return { total: found.length, page: sorted.slice(offset, offset + limit) };
}

/** What a search looks into. */
function textsOf({ site, robot, tags, bundle, troubles }: RobotState): string[] {
  return [
    `${site}/${robot}`,
    ...Object.entries(tags).map(([key, value]) => `${key}=${value}`),
    ...(bundle === null ? [] : [`${bundle.name}@${bundle.version}`]),
    ...troubles.map(({ kind }) => kind),
  ].map((text) => text.toLowerCase());
}

/** The worst first; of those whose trouble is known, only that they have some. */
function byTrouble(robots: readonly RobotState[], muted: ReadonlySet<string>): RobotState[] {
  const ranked = robots.map((robot) => {
    const worst = rankOf(robot.troubles[0]);
    const isKnown = worst !== Infinity && muted.has(`${robot.site}/${robot.robot}`);
    return { robot, rank: isKnown ? Number.MAX_SAFE_INTEGER : worst };
  });
  ranked.sort((one, other) => {
    if (one.rank !== other.rank) return one.rank < other.rank ? -1 : 1;
    return other.robot.troubles.length - one.robot.troubles.length || byName(one.robot, other.robot);
  });
  return ranked.map(({ robot }) => robot);
}

function byName(one: RobotState, other: RobotState): number {
  if (one.site !== other.site) return one.site < other.site ? -1 : 1;
  return one.robot === other.robot ? 0 : one.robot < other.robot ? -1 : 1;
}
