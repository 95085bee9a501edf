import type { z } from 'zod';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { FLEET_PATHS } from '../../contract/fleet/api.ts';
import { openApiDocument } from '../../contract/fleet/openapi.ts';
import type { HttpAnswer, HttpRequest, HttpRoute } from '../../platform/http/route.ts';
import type { Presence } from '../presence/presence.ts';
import type { Database } from '../store/database.ts';
import { readLedger } from '../store/read-ledger.ts';
import { listRobots, robotHistory } from './robots.ts';

type Path = keyof typeof FLEET_PATHS;
type Params<P extends Path> = z.infer<(typeof FLEET_PATHS)[P]['params']>;
type Query<P extends Path> = z.infer<(typeof FLEET_PATHS)[P]['query']>;
type Answer<P extends Path> = z.infer<(typeof FLEET_PATHS)[P]['answer']>;

/** The API that pages and programs read. */
export function apiRoutes(database: Database, presence: Presence): readonly HttpRoute[] {
  return [
    routeOf('/api/v1/robots', (_params, query) => listRobots(database, presence, query, new Date())),
    routeOf('/api/v1/robots/{site}/{robot}', (robot, query) =>
      robotHistory(database, presence, robot, query, new Date()),
    ),
    routeOf('/api/v1/robots/{site}/{robot}/ledger', async (robot) => {
      const ledger = await readLedger(database, robot, new Date());
      return ledger.entries.length === 0 ? null : ledger;
    }),
    { path: '/api/v1/openapi.json', answer: () => ({ body: openApiDocument() }) },
  ];
}

/** @param read null: there is no such robot */
function routeOf<P extends Path>(
  path: P,
  read: (params: Params<P>, query: Query<P>) => Promise<Answer<P> | null>,
): HttpRoute {
  const row = FLEET_PATHS[path];
  return {
    path: path.replace(/\{(\w+)\}/g, ':$1'),
    answer: async ({ params, query }: HttpRequest): Promise<HttpAnswer> => {
      const wanted = row.params.safeParse(params);
      const asked = row.query.safeParse(query);
      const wrong = wanted.error?.issues[0] ?? asked.error?.issues[0];
      if (wrong !== undefined) return refusal(400, invalid(wrong, { ...params, ...query }));
      const answer = await read(wanted.data as Params<P>, asked.data as Query<P>);
      if (answer !== null) return { body: answer, cache: 'no-store' };
      return refusal(404, new GoshawkError('GOSHAWK_ROBOT_UNKNOWN', { robot: params['robot'] ?? '' }));
    },
  };
}

function invalid(issue: z.core.$ZodIssue, values: Readonly<Record<string, unknown>>): GoshawkError {
  const name = String(issue.path[0] ?? '');
  const value = JSON.stringify(values[name] ?? null).slice(0, 100);
  return new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value, reason: issue.message });
}

function refusal(status: number, error: GoshawkError): HttpAnswer {
  return { status, body: { error: describeError(error) } };
}
