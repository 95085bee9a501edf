import type {
  HistoryQuery,
  ListQuery,
  RobotHistory,
  RobotList,
  RobotSummary,
} from '../../contract/fleet/api.ts';
import { NO_SETTINGS, type RobotSettings } from '../../contract/fleet/robot-settings.ts';
import type { RobotBoard } from '../board/robot-board.ts';
import { selectRobots } from '../board/select.ts';
import type { RobotState } from '../board/summarize.ts';
import type { Database, Session } from '../store/database.ts';
import { readAllSettings, readMuted } from '../store/robot-settings.ts';
import { readRobotHistory } from './history.ts';

/** A page of robots. Throws as `Database.query` does. */
export async function listRobots(
  database: Database,
  board: RobotBoard,
  query: ListQuery,
  now: Date,
): Promise<RobotList> {
  const all = await board.all(now);
  const { total, page } = selectRobots(all, query, await readMuted(database, now));
  const settings = await readAllSettings(database, page);
  return {
    generatedAt: now.toISOString(),
    total,
    offset: query.offset,
    fleet: countsOf(all),
    robots: page.map((robot) => withSettings(robot, settings)),
  };
}

/** One robot and its history; null if it never sent anything. Throws as `Database.query` does. */
export async function robotHistory(
  database: Session,
  board: RobotBoard,
  only: { readonly site: string; readonly robot: string },
  query: HistoryQuery,
  now: Date,
): Promise<RobotHistory | null> {
  const robot = await board.one(only.site, only.robot, now);
  if (robot === null) return null;
  const settings = await readAllSettings(database, [only]);
  return {
    generatedAt: now.toISOString(),
    robot: withSettings(robot, settings),
    ...(await readRobotHistory(database, only, query, now)),
  };
}

function withSettings(robot: RobotState, settings: ReadonlyMap<string, RobotSettings>): RobotSummary {
  return { ...robot, settings: settings.get(`${robot.site}/${robot.robot}`) ?? NO_SETTINGS };
}

function countsOf(robots: readonly RobotState[]): RobotList['fleet'] {
  return {
    robots: robots.length,
    online: robots.filter(({ liveness }) => liveness === 'online').length,
    inTrouble: robots.filter(({ troubles }) => troubles.some(({ severity }) => severity !== 'note')).length,
  };
}
