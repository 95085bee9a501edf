import { z } from 'zod';
import { nameSchema } from '../names.ts';
import { streamNameSchema } from './ranges.ts';

const countSchema = z.int().min(0);
const rangesSchema = z.array(z.tuple([countSchema, countSchema]));

/** The ledger of one stream in one boot: `produced = acknowledged + declared + waiting + undeclared`, in numbers. */
const ledgerRowSchema = z.strictObject({
  stream: streamNameSchema,
  bootId: z.uuid(),
  bootCount: countSchema,
  produced: countSchema,
  /** stored by the fleet */
  acknowledged: countSchema,
  /** declared as lost, by reason; the newest ranges of each */
  declared: z.record(nameSchema, z.strictObject({ count: countSchema, ranges: rangesSchema })),
  /** numbers that wait, in `messages` messages */
  waiting: countSchema,
  messages: countSchema,
  waitingBytes: countSchema,
  /** how long the oldest has waited, on a clock that only counts while the device is on */
  oldestSeconds: z.number().min(0).nullable(),
  /** numbers that a process which ended has left open: the next start declares them. None while a process runs */
  undeclared: z.array(z.strictObject({ reason: nameSchema, ranges: rangesSchema })),
});

export type LedgerRow = z.infer<typeof ledgerRowSchema>;

const speakerShape = { site: z.string(), robot: z.string(), node: z.string(), folder: z.string() } as const;

/** What `goshawk telemetry ledger --json` prints. */
export const telemetryLedgerSchema = z.strictObject({
  schema: z.literal('goshawk.report.telemetry-ledger/1'),
  ...speakerShape,
  /** whether the process that has the outbox open answered, or the disk was read */
  from: z.enum(['process', 'disk']),
  rows: z.array(ledgerRowSchema),
});

export type TelemetryLedger = z.infer<typeof telemetryLedgerSchema>;

const troubleSchema = z.object({ code: z.string(), reason: z.string() }).nullable();

/** What `goshawk telemetry status --json` prints. */
export const telemetryReportSchema = z.strictObject({
  schema: z.literal('goshawk.report.telemetry-status/1'),
  ...speakerShape,
  from: z.enum(['process', 'disk']),
  /** null if no process runs */
  link: z
    .strictObject({
      /** the one that is used, or was tried last; null before the first attempt ends */
      broker: z.string().nullable(),
      connected: z.boolean(),
      protocol: z.string().nullable(),
      code: z.string().nullable(),
      reason: z.string(),
      /** why the disk is not used */
      outbox: troubleSchema,
      /** why nothing is acknowledged */
      fleet: troubleSchema,
    })
    .nullable(),
  waiting: countSchema,
  waitingBytes: countSchema,
  oldestSeconds: z.number().min(0).nullable(),
  /** why the oldest waits */
  why: z.string(),
});

export type TelemetryReport = z.infer<typeof telemetryReportSchema>;

/** What the process that has an outbox open is asked, one line. */
export const inspectRequestSchema = z.strictObject({ ask: z.enum(['ledger', 'link', 'tail']) });

export type InspectRequest = z.infer<typeof inspectRequestSchema>;

/** The answers to `ledger` and `link`; `tail` is answered with a line of `inspectTailSchema` per message. */
export const inspectLedgerSchema = z.object({ rows: z.array(ledgerRowSchema) });
export const inspectLinkSchema = z.object({ link: telemetryReportSchema.shape.link.unwrap() });

export const inspectTailSchema = z.union([
  z.object({ stream: streamNameSchema, payload: z.string() }),
  /** messages that were made faster than they were read */
  z.object({ skipped: countSchema }),
]);
