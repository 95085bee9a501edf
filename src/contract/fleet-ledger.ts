import { z } from 'zod';

/** Inclusive ranges of numbers, ascending. */
const rangesSchema = z.array(z.tuple([z.int().min(0), z.int().min(0)]));

/** What the fleet knows of the messages of one stream in one boot of one detector. */
const ledgerEntrySchema = z.strictObject({
  site: z.string(),
  robot: z.string(),
  node: z.string(),
  stream: z.string(),
  bootId: z.uuid(),
  /** boots of the robot before this one; null if it does not report them */
  bootCount: z.int().min(0).nullable(),
  /** numbers that are stored */
  stored: rangesSchema,
  /** numbers of messages that were refused and are kept whole in quarantine */
  quarantined: rangesSchema,
  /** numbers that the robot declared lost and that are not stored */
  declared: rangesSchema,
  /** numbers below the highest known one that are neither: on their way, or lost in silence */
  holes: rangesSchema,
  /** of the newest message by the robot's clock, and when something of it was received last */
  lastAt: z.iso.datetime().nullable(),
  lastReceivedAt: z.iso.datetime().nullable(),
  /** from the newest message's time to its receipt */
  lagSeconds: z.number().nullable(),
});

/** What `goshawk fleet ledger --json` prints. */
export const fleetLedgerSchema = z.strictObject({
  schema: z.literal('goshawk.fleet-ledger/1'),
  generatedAt: z.iso.datetime(),
  /** null: of all robots */
  robot: z.string().nullable(),
  /** `produced = stored + quarantined + declared` where this is 0 */
  undeclaredHoles: z.int().min(0),
  /** messages that were received before this day (UTC) were dropped by age: the ledger knows them, nothing else does */
  messagesSince: z.iso.date().nullable(),
  /** messages in quarantine, by reason */
  quarantined: z.record(z.string(), z.int().min(0)),
  entries: z.array(ledgerEntrySchema),
});

export type FleetLedger = z.infer<typeof fleetLedgerSchema>;
export type FleetLedgerEntry = z.infer<typeof ledgerEntrySchema>;
