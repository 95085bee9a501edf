import { z } from 'zod';
import { topicLevelSchema } from '../telemetry/speaker.ts';

/** The event of `GET /api/v1/live`: robots of which something new can be read. At most one a second. */
export const liveEventSchema = z.strictObject({
  robots: z.array(z.strictObject({ site: topicLevelSchema, robot: topicLevelSchema })).max(500),
  /** too many to name, or events were missed: read everything again */
  isAll: z.boolean(),
});

/** Name of the event, for `EventSource.addEventListener`. */
export const LIVE_EVENT = 'robots';

export type LiveEvent = z.infer<typeof liveEventSchema>;
