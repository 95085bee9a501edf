import { describeError } from '../../contract/errors.ts';
import { systemClock } from '../../platform/clock.ts';
import type { HttpRoute } from '../../platform/http/route.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import type { FleetMetrics } from '../metrics/fleet-metrics.ts';
import type { Database } from '../store/database.ts';

const HEALTH_LIMIT_MS = 2_000;

/** What supervisors and Prometheus ask for. */
export function serviceRoutes(
  database: Database,
  ingestor: Ingestor,
  metrics: FleetMetrics,
): readonly HttpRoute[] {
  return [
    {
      path: '/healthz',
      answer: async () => {
        const down = ingestor.links().filter(({ isUp }) => !isUp);
        const reasons = down.map(({ url }) => `not subscribed at ${url}`);
        const trouble = await databaseTrouble(database);
        if (trouble !== null) reasons.push(trouble);
        return { status: reasons.length === 0 ? 200 : 503, body: { ok: reasons.length === 0, reasons } };
      },
    },
    {
      path: '/metrics',
      answer: async () => ({ type: metrics.contentType, body: await metrics.text() }),
    },
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
