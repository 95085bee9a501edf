import type { z } from 'zod';
import { FLEET_PATHS } from '../../contract/fleet/api.ts';
import { openApiDocument } from '../../contract/fleet/openapi.ts';
import type { HttpRoute } from '../../platform/http/route.ts';
import type { AccessGate } from '../access/access-gate.ts';
import type { RobotBoard } from '../board/robot-board.ts';
import type { Database } from '../store/database.ts';
import { readLedger } from '../store/read-ledger.ts';
import type { TriageDesk } from '../triage/triage-desk.ts';
import { Turns } from '../triage/turns.ts';
import { listDriftWindows } from './drift-windows.ts';
import { summarizeDrift } from './drift.ts';
import { routePath } from './operation.ts';
import { refuseAsked, refuseInvalid, refuseUnknown } from './refusal.ts';
import { listRobots, robotHistory } from './robots.ts';

type Path = keyof typeof FLEET_PATHS;
type Params<P extends Path> = z.infer<(typeof FLEET_PATHS)[P]['params']>;
type Query<P extends Path> = z.infer<(typeof FLEET_PATHS)[P]['query']>;
type Answer<P extends Path> = z.infer<(typeof FLEET_PATHS)[P]['answer']>;

/** Merged drift is made from up to 20,000 rollups: answers that are worked on at once, and those that wait. */
const DRIFT_AT_ONCE = 2;
const DRIFT_PLACES = 4;

/** What pages and programs read of robots. */
export function apiRoutes(
  database: Database,
  board: RobotBoard,
  desk: TriageDesk,
  gate: AccessGate,
): readonly HttpRoute[] {
  const turns = new Turns(DRIFT_AT_ONCE, DRIFT_PLACES);
  return [
    routeOf(gate, '/api/v1/robots', (_params, query) => listRobots(database, board, query, new Date())),
    routeOf(gate, '/api/v1/robots/{site}/{robot}', (robot, query) =>
      robotHistory(database, board, robot, query, new Date()),
    ),
    routeOf(gate, '/api/v1/robots/{site}/{robot}/ledger', async (robot) => {
      const ledger = await readLedger(database, robot, new Date());
      return ledger.entries.length === 0 ? null : ledger;
    }),
    routeOf(gate, '/api/v1/robots/{site}/{robot}/drift', (robot, query) =>
      turns.take(() => listDriftWindows(database, robot, query, new Date())),
    ),
    routeOf(gate, '/api/v1/drift', (_params, query) =>
      turns.take(() => summarizeDrift(database, query, new Date())),
    ),
    routeOf(gate, '/api/v1/triage', (_params, query) => desk.answer(query, new Date())),
    { path: '/api/v1/openapi.json', answer: () => ({ body: openApiDocument() }) },
  ];
}

/** @param read null: there is no such robot */
function routeOf<P extends Path>(
  gate: AccessGate,
  path: P,
  read: (params: Params<P>, query: Query<P>) => Promise<Answer<P> | null>,
): HttpRoute {
  const row = FLEET_PATHS[path];
  return gate.route('GET', routePath(path), 'viewer', async ({ params, query }) => {
    const wanted = row.params.safeParse(params);
    const asked = row.query.safeParse(query);
    const wrong = wanted.error?.issues[0] ?? asked.error?.issues[0];
    if (wrong !== undefined) return refuseInvalid(wrong, { ...params, ...query });
    try {
      const answer = await read(wanted.data as Params<P>, asked.data as Query<P>);
      if (answer !== null) return { body: answer, cache: 'no-store' };
      return refuseUnknown(params['robot'] ?? '');
    } catch (error) {
      return refuseAsked(error);
    }
  });
}
