import { z } from 'zod';
import { quantity } from '../quantities.ts';

/** Ranges in one message, at most: what is more goes into the next one. */
export const MAX_RANGES = 1_000;

/** Streams and boots in one `ack`, at most. */
export const MAX_ACKS = 1_000;

/** Name of a stream, also of one that a reader does not know. */
export const streamNameSchema = z
  .string()
  .max(32)
  .regex(/^[a-z]+(-[a-z]+)*$/);

/** `[first, last]`, both included. */
const rangeSchema = z
  .tuple([quantity('message'), quantity('message')])
  .refine(([first, last]) => first <= last, 'the first number of a range is not above the last');

/** Inclusive ranges of numbers. */
export const rangesSchema = z.array(rangeSchema).min(1).max(MAX_RANGES);

/**
 * Why messages will never arrive. Readers accept reasons that they do not know.
 * - `superseded`: a newer one of its stream replaced it before it was delivered
 * - `overflow`: the outbox was full, or memory while the disk took nothing
 * - `age`: it waited for too long
 * - `unsynced`: the process ended before the disk held it; the range is what was reserved and may be longer
 *   than what was made
 * - `corrupted`: the disk no longer holds what it held
 * - `too_large`: the broker, any fleet, or the bytes of a day do not take messages of this size
 * - `invalid`: it violated its schema
 * - `not_taken`: it was made while the thread of telemetry had ended
 */
export const GAP_REASONS = [
  'superseded',
  'overflow',
  'age',
  'unsynced',
  'corrupted',
  'too_large',
  'invalid',
  'not_taken',
] as const;

export type GapReason = (typeof GAP_REASONS)[number];
