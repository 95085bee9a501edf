import { z } from 'zod';

const count = z.int().min(0);

/** A message in quarantine. */
const quarantineEntrySchema = z.strictObject({
  id: count,
  receivedAt: z.iso.datetime(),
  /** as it was, which may be wrong */
  topic: z.string(),
  /** why it was refused (docs/fleet.md, "Quarantine"), and in words */
  reason: z.string(),
  detail: z.string(),
  bytes: count,
  /** the message is whole, acknowledged, and can be replayed; null for a sample */
  message: z.strictObject({ stream: z.string(), bootId: z.uuid(), firstId: count, lastId: count }).nullable(),
});

export type QuarantineEntry = z.infer<typeof quarantineEntrySchema>;

/** What `goshawk fleet quarantine list --json` prints. */
export const quarantineListSchema = z.strictObject({
  schema: z.literal('goshawk.fleet-quarantine/1'),
  generatedAt: z.iso.datetime(),
  /** that match, of which `entries` are the newest */
  total: count,
  entries: z.array(quarantineEntrySchema),
});

export type QuarantineList = z.infer<typeof quarantineListSchema>;

/** What `goshawk fleet quarantine show` prints. */
export const quarantinedMessageSchema = quarantineEntrySchema.extend({
  /** how `payload` is written; that of a sample may be cut off */
  encoding: z.enum(['utf8', 'base64']),
  payload: z.string(),
});

export type QuarantinedMessage = z.infer<typeof quarantinedMessageSchema>;

/** What `goshawk fleet quarantine replay --json` and `drop --json` print, in messages. */
export const quarantineChangeSchema = z.strictObject({
  schema: z.literal('goshawk.fleet-quarantine-change/1'),
  /** what would have been done */
  isDryRun: z.boolean(),
  /** now in the store, or already there */
  stored: count,
  /** deleted; the numbers of whole ones are declared lost */
  dropped: count,
  /** still refused, by reason */
  refused: z.record(z.string(), count),
});

export type QuarantineChange = z.infer<typeof quarantineChangeSchema>;
