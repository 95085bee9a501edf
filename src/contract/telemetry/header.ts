import { z } from 'zod';
import { quantity } from '../quantities.ts';
import { topicLevelSchema } from './speaker.ts';

/**
 * Version of the payload schemas: grows with additive changes to a body, not with a new stream; a breaking change gets
 * new topics (`TELEMETRY_VERSION`).
 */
export const PAYLOAD_VERSION = '1.5.0';

/** The fields of VDA 5050's header, plus the node and the boot within which `headerId` counts. */
export const headerShape = {
  /**
   * counter of this topic since this boot, from 0; `(serialNumber, node, stream, bootId, headerId)` identifies a
   * message permanently
   */
  headerId: quantity('message'),
  /** ISO 8601, milliseconds, UTC */
  timestamp: z.iso.datetime({ precision: 3 }),
  /** version of the payload's schema */
  version: z.string(),
  manufacturer: z.string(),
  /** the robot */
  serialNumber: topicLevelSchema,
  /** the detector on the robot */
  node: topicLevelSchema,
  /** identifies one process run on the robot */
  bootId: z.uuid(),
  /** process runs on this disk before this one: orders boots, whatever the wall clock said (since 1.2.0) */
  bootCount: quantity('boots').optional(),
  /** the message replaces those from this number to `headerId`, which were merged while they waited (since 1.2.0) */
  firstHeaderId: quantity('message').optional(),
} as const;

export type TelemetryHeader = z.infer<z.ZodObject<typeof headerShape>>;
