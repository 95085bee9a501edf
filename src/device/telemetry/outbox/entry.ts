import type { StoredStream, StreamBody } from '../../../contract/telemetry/streams.ts';
import type { Account } from './account.ts';

/**
 * Where an entry is on its way.
 * - `waiting`: to be published
 * - `publishing`: the broker has not answered yet
 * - `sent`: the broker has it, the fleet has not acknowledged it
 * - `gone`: acknowledged, lost or merged; whoever still holds it has nothing to do
 */
type EntryState = 'waiting' | 'publishing' | 'sent' | 'gone';

/** A message that waits until the fleet acknowledges it. */
export interface Entry {
  readonly account: Account;
  /** the lowest number that it covers: several after a merge */
  first: number;
  /** its own number */
  readonly last: number;
  /** seconds of the outbox's own clock */
  putAt: number;
  bytes: number;
  /** null: on the disk only */
  payload: string | null;
  state: EntryState;
  /** the broker may have it, now or from an earlier connection: it must not change any more */
  mayBeSent: boolean;
  attempts: number;
  /** how often it was taken for lost because the fleet had something later */
  overtaken: number;
  /** milliseconds of the monotonic clock, while `sent` */
  sentAt: number;
  resendAt: number;
  /** of a gap message: what it declares, settled once the fleet has it */
  readonly gap: StreamBody<'gap'> | null;
}

/** Whether the disk does not hold it as it is now. */
export function isUnwritten({ payload }: Entry): boolean {
  return payload !== null;
}

export function streamOf(entry: Entry): StoredStream {
  return entry.account.stream;
}

/** Makes an entry that nobody has sent. */
export function newEntry(
  account: Account,
  number: number,
  putAt: number,
  payload: string,
  gap: Entry['gap'] = null,
): Entry {
  return {
    account,
    first: number,
    last: number,
    putAt,
    bytes: Buffer.byteLength(payload),
    payload,
    state: 'waiting',
    mayBeSent: false,
    attempts: 0,
    overtaken: 0,
    sentAt: 0,
    resendAt: 0,
    gap,
  };
}
