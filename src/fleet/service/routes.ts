import { describeError } from '../../contract/errors.ts';
import { systemClock } from '../../platform/clock.ts';
import type { HttpRoute } from '../../platform/http/route.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';
import type { AccessGate } from '../access/access-gate.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import type { FleetJobs } from '../jobs/fleet-jobs.ts';
import type { FleetMetrics } from '../metrics/fleet-metrics.ts';
import type { Database } from '../store/database.ts';
import { MODE_WORDS } from './access-mode.ts';

const HEALTH_LIMIT_MS = 2_000;

/**
 * What supervisors and Prometheus ask for. `/healthz` is for people: everything is as it should be. `/readyz` is for
 * whoever distributes requests: the page and the API are of use, though one of several brokers may be away.
 */
export function serviceRoutes(
  database: Database,
  ingestor: Pick<Ingestor, 'links'>,
  jobs: Pick<FleetJobs, 'reasons'>,
  metrics: FleetMetrics,
  gate: AccessGate,
): readonly HttpRoute[] {
  return [
    {
      path: '/healthz',
      answer: async () => {
        const down = ingestor.links().filter(({ isUp }) => !isUp);
        const reasons = down.map(({ url }) => `not subscribed at ${url}`);
        const trouble = await databaseTrouble(database);
        if (trouble !== null) reasons.push(trouble);
        reasons.push(...jobs.reasons());
        const access = MODE_WORDS[await gate.access.mode().catch(() => 'tokens' as const)];
        const isOk = reasons.length === 0;
        return { status: isOk ? 200 : 503, body: { ok: isOk, reasons, access } };
      },
    },
    {
      path: '/readyz',
      answer: async () => {
        const trouble = await databaseTrouble(database);
        const reasons = trouble === null ? [] : [trouble];
        if (!ingestor.links().some(({ isUp }) => isUp)) reasons.push('not subscribed at any broker');
        return { status: reasons.length === 0 ? 200 : 503, body: { ok: reasons.length === 0, reasons } };
      },
    },
    gate.route('GET', '/metrics', 'viewer', async () => ({
      type: metrics.contentType,
      body: await metrics.text(),
    })),
  ];
}

async function databaseTrouble(database: Database): Promise<string | null> {
  try {
    const answer = await withTimeLimit(database.query('select 1'), HEALTH_LIMIT_MS, systemClock);
    return answer === TIME_IS_UP ? `the database ${database.name} takes too long to answer` : null;
  } catch (error) {
    return describeError(error);
  }
}
