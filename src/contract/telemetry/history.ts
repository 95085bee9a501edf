import { z } from 'zod';
import { streamNameSchema } from './ranges.ts';

/** The largest payload of a message, as text or compressed, that a fleet accepts. */
export const MAX_PAYLOAD_BYTES = 1 << 20;

/** What a batch unpacks to, at most. */
export const MAX_HISTORY_BYTES = 4 << 20;

/** Messages in a batch, at most. */
export const MAX_HISTORY_MESSAGES = 1_000;

/**
 * A batch of messages that waited, on the topic `history`: Zstandard of this list as JSON. Each is acknowledged under
 * its own stream, boot and number, as if it had come alone.
 */
export const historySchema = z
  .array(
    z.object({
      /** the stream that it belongs to; readers skip streams that they do not know */
      stream: streamNameSchema,
      /** the message as it would have been published on its own topic */
      payload: z.string().min(2).max(MAX_PAYLOAD_BYTES),
    }),
  )
  .min(1)
  .max(MAX_HISTORY_MESSAGES);

/** A message of a batch. */
export type HistoryMessage = z.infer<typeof historySchema>[number];
