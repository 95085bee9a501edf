import { z } from 'zod';
import { clipIdSchema, clipSchema } from '../clips.ts';
import { topicLevelSchema } from '../telemetry/speaker.ts';
import { robotParamsSchema } from './api.ts';

/** Of the file of a clip, as IANA has it registered. */
export const CLIP_MEDIA_TYPE = 'application/vnd.mcap';

/** What the fleet has of a clip. */
export const clipTransferSchema = z.strictObject({
  /**
   * - `offered`: on the robot, if newer ones have not taken its room
   * - `queued`: other clips of the robot are fetched before it
   * - `fetching`: it is asked for, or a part of it is here
   * - `fetched`: all of it is here, with the digest that was offered
   * - `put`: the robot has put it at the URL
   * - `failed`: `reason` says why; it can be asked for again, and goes on where it was
   */
  state: z.enum(['offered', 'queued', 'fetching', 'fetched', 'put', 'failed']),
  /** that are here */
  bytes: z.int().min(0),
  /** code and words; null unless it failed */
  reason: z.string().nullable(),
});

export type ClipTransfer = z.infer<typeof clipTransferSchema>;

/** The newest clips that a robot offered. */
export const robotClipsSchema = z.strictObject({
  schema: z.literal('goshawk.fleet-clips/1'),
  clips: z.array(
    z.strictObject({
      node: topicLevelSchema,
      offeredAt: z.iso.datetime(),
      clip: clipSchema,
      transfer: clipTransferSchema,
    }),
  ),
});

export type RobotClips = z.infer<typeof robotClipsSchema>;

export const clipsQuerySchema = z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(100) });

export const clipParamsSchema = robotParamsSchema.extend({ clip: clipIdSchema });

/** How a clip is to come. */
export const clipFetchSchema = z.strictObject({
  /** where the robot is to PUT it instead of sending it here: https, signed by whoever keeps it, without a password */
  putUrl: z.url().max(4096).refine(hasNoUser, 'a URL without a user name and a password').optional(),
});

function hasNoUser(url: string): boolean {
  const { username = '', password = '' } = URL.parse(url) ?? {};
  return username === '' && password === '';
}
