import type { RobotBoard } from '../board/robot-board.ts';
import type { Database, Session, Statement } from '../store/database.ts';
import { readAllSettings } from '../store/robot-settings.ts';
import { readRobotHistory } from './history.ts';
import { listRobots } from './robots.ts';

const LIST = { search: '', order: 'trouble', limit: 100, offset: 0 } as const;
/** Of each length that has a source of its own. */
const HISTORIES = [
  { hours: 1, points: 60 },
  { hours: 24, points: 288 },
  { hours: 720, points: 720 },
] as const;

/**
 * Asks for what the page asks for, once on each connection, so that the first who looks does not wait until the board
 * is read, and connections know the tables. Never throws: what is wrong shows when somebody asks.
 */
export async function warmUp(database: Database, board: RobotBoard, now: Date): Promise<void> {
  try {
    const { robots } = await listRobots(database, board, LIST, now);
    const [only] = robots;
    if (only === undefined) return;
    // not the board, which would wait for a connection of its own
    await database.onEachConnection(async (session) => {
      const connection = inTurn(session);
      await readAllSettings(connection, [only]);
      for (const query of HISTORIES) await readRobotHistory(connection, only, query, now);
    });
  } catch {
    // the database went away meanwhile, which /healthz reports
  }
}

/** One connection does one thing at a time. */
function inTurn(session: Session): Session {
  let last: Promise<unknown> = Promise.resolve();
  return {
    query: <Row extends object>(statement: Statement | string) => {
      const next = last.then(() => session.query<Row>(statement));
      last = next.catch(() => undefined);
      return next;
    },
  };
}
