import { z } from 'zod';
import { reportBaseSchema } from './report.ts';

const count = z.int().min(0);
const amount = z.number().min(0);

/** Report of `goshawk bench outbox`. */
export const outboxBenchReportSchema = reportBaseSchema.extend({
  schema: z.literal('goshawk.report.bench-outbox/1'),
  settings: z.strictObject({
    /** without a broker, on a simulated clock */
    hours: z.number().positive(),
    seed: count,
    bitsPerSecond: z.number().positive(),
  }),
  offline: z.strictObject({
    /** stats windows of one camera, one every 10 s */
    windows: count,
    payloadBytes: count,
    diskBytes: count,
    /** CPU of the sender and its outbox, for a window and all else that happens in its 10 s */
    cpuMsPerWindow: amount,
    /** wall time, most of which is the disk's */
    seconds: amount,
  }),
  /** the next boot: opening the outbox, and what it declares */
  openSeconds: amount,
  catchUp: z.strictObject({
    /** from the connection until nothing waits, real time */
    seconds: amount,
    /** PUBLISH packets of `history` */
    batches: count,
    batchBytes: count,
    bytesPerWindow: amount,
  }),
});

export type OutboxBenchReport = z.infer<typeof outboxBenchReportSchema>;
