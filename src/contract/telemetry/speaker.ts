import { z } from 'zod';

/**
 * A topic level: what MQTT reserves (`/`, `+`, `#`, NUL) and what shells and dashboards cannot handle is not
 * allowed.
 */
export const topicLevelSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'letters, digits, dot, dash, underscore; begins with a letter or digit',
  );

/**
 * The sender of telemetry: one detector of one robot. No two clients of a broker may share all three levels.
 */
export interface Speaker {
  readonly site: string;
  readonly robot: string;
  /** the detector on the robot, which may run several */
  readonly node: string;
}

/** The speaker as topic levels. @throws ZodError for a name that cannot be a topic level */
export function levelsOf({ site, robot, node }: Speaker): readonly string[] {
  return [site, robot, node].map((level) => topicLevelSchema.parse(level));
}

/**
 * The MQTT client id. It has the same levels as the topics, so that two clients that would mix their messages
 * collide at the broker and are reported. No level contains a colon: different speakers never share an id.
 */
export function telemetryClientId(speaker: Speaker): string {
  return ['goshawk', ...levelsOf(speaker)].join(':');
}
