import type { RobotSummary } from '../../contract/fleet/api.ts';

/** What is counted of a robot. */
export type CountedRobot = Pick<RobotSummary, 'site' | 'liveness' | 'troubles'>;

/** How many robots of a site have a state, or a kind of trouble. */
export interface SiteCount {
  readonly site: string;
  readonly what: string;
  readonly robots: number;
}

/** Sites with their own label: the number of series does not grow with the fleet. */
const MAX_SITES = 50;
const OTHERS = '(others)';

/**
 * Robots by site and whatever each has; those of all but the largest sites together.
 * @param whats of one robot, from a known list; a robot counts for each of them
 */
export function countBySite<Robot extends { readonly site: string }>(
  robots: readonly Robot[],
  whats: (robot: Robot) => readonly string[],
): readonly SiteCount[] {
  const sizes = new Map<string, number>();
  for (const { site } of robots) sizes.set(site, (sizes.get(site) ?? 0) + 1);
  const largest = [...sizes].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, MAX_SITES);
  const named = new Set(largest.map(([site]) => site));
  const counts = new Map<string, SiteCount>();
  for (const robot of robots)
    for (const what of new Set(whats(robot))) {
      const site = named.has(robot.site) ? robot.site : OTHERS;
      const key = `${site}/${what}`;
      counts.set(key, { site, what, robots: (counts.get(key)?.robots ?? 0) + 1 });
    }
  return [...counts.values()];
}
