import { GoshawkError } from '../../contract/errors.ts';
import type { HttpAnswer, HttpRoute } from '../../platform/http/route.ts';
import { authorOf } from '../access/access.ts';
import type { AccessGate } from '../access/access-gate.ts';
import { readAudit } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import { deleteRobot } from '../store/delete-robot.ts';
import {
  patchSettings,
  readSettings,
  type SettingsRefusal,
  type VersionedSettings,
} from '../store/robot-settings.ts';
import { operationRoute } from './operation.ts';
import { refusal, refuseUnknown } from './refusal.ts';

/** A robot that is to be deleted has sent nothing for so long. */
const QUIET_MS = 3_600_000;

/** What operators keep about robots, the end of a robot, and the audit of both. */
export function changeRoutes(database: Database, gate: AccessGate): readonly HttpRoute[] {
  return [
    operationRoute(gate, 'GET /api/v1/robots/{site}/{robot}/settings', async ({ params }) => {
      const found = await readSettings(database, params);
      return found === null ? refuseUnknown(params.robot) : answerSettings(found);
    }),
    operationRoute(gate, 'PATCH /api/v1/robots/{site}/{robot}/settings', async (asked) => {
      const { params, body, headers, caller } = asked;
      const version = versionOf(headers['if-match']);
      if (version === undefined) return refusal(428, new GoshawkError('GOSHAWK_ETAG_MISSING'));
      const done = await patchSettings(database, params, version, body, authorOf(caller));
      return typeof done === 'string' ? refuseChange(done, params.robot) : answerSettings(done);
    }),
    operationRoute(gate, 'DELETE /api/v1/robots/{site}/{robot}', async ({ params, caller }) => {
      const done = await deleteRobot(database, params, new Date(Date.now() - QUIET_MS), authorOf(caller));
      if (done === 'unknown') return refuseUnknown(params.robot);
      if (done !== 'active') return { body: done };
      return refusal(409, new GoshawkError('GOSHAWK_ROBOT_ACTIVE', { robot: params.robot }));
    }),
    operationRoute(gate, 'GET /api/v1/audit', async ({ query }) => ({
      body: await readAudit(database, query),
      cache: 'no-store',
    })),
  ];
}

/** Of an If-Match header: null for any version, undefined if there is none. One that nobody was given fits nothing. */
function versionOf(header: string | undefined): number | null | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return null;
  return Number(/^"(\d{1,15})"$/.exec(header.trim())?.[1] ?? -1);
}

function answerSettings({ settings, version }: VersionedSettings): HttpAnswer {
  return { body: settings, cache: 'no-store', headers: { etag: `"${version}"` } };
}

function refuseChange(why: SettingsRefusal, robot: string): HttpAnswer {
  if (why === 'unknown') return refuseUnknown(robot);
  if (why === 'stale') return refusal(412, new GoshawkError('GOSHAWK_EDIT_CONFLICT', { robot }));
  const reason = 'a robot has 32 labels at most';
  return refusal(400, new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name: 'labels', value: '', reason }));
}
