import { GoshawkError } from '../../contract/errors.ts';
import type { HttpRoute } from '../../platform/http/route.ts';
import type { Caller } from '../access/access.ts';
import type { AccessGate } from '../access/access-gate.ts';
import type { LiveFeed } from '../live/live-feed.ts';
import { operationRoute } from './operation.ts';
import { refusal } from './refusal.ts';

const RETRY_SECONDS = 30;

/** The stream of robots that changed. */
export function liveRoutes(feed: LiveFeed, gate: AccessGate): readonly HttpRoute[] {
  return [
    operationRoute(gate, 'GET /api/v1/live', ({ headers, caller }) => {
      const last = headers['last-event-id'];
      const stream = feed.open(keyOf(caller), typeof last === 'string' ? last : undefined, () =>
        gate.access.isStillAllowed(caller),
      );
      if (stream !== null) return stream;
      const error = new GoshawkError('GOSHAWK_STREAMS_TAKEN', { seconds: RETRY_SECONDS });
      return { ...refusal(503, error), headers: { 'retry-after': String(RETRY_SECONDS) } };
    }),
  ];
}

function keyOf({ token, address }: Caller): string {
  return token?.id ?? address;
}
