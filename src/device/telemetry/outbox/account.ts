import { NumberSet, type NumberRange } from '../../../core/ledger/number-set.ts';
import type { StoredStream } from '../../../contract/telemetry/streams.ts';
import { Declared } from './declared.ts';

/** A process run as the outbox knows it. */
export interface Boot {
  readonly bootId: string;
  /** orders boots of this disk; changes if the disk is found only after the boot began */
  bootCount: number;
}

/** Identifies the account of a stream in a boot, in memory. */
export function accountId(stream: string, bootId: string): string {
  return `${stream}!${bootId}`;
}

/**
 * The ledger of one stream in one boot. Every number below `next` waits in an entry, is named by a gap message that
 * waits, or is settled: acknowledged by the fleet, itself or in a gap message, or merged into a later number.
 */
export class Account {
  readonly boot: Boot;
  readonly stream: StoredStream;
  readonly settled: NumberSet;
  /** counted for those who look at the ledger; decides nothing */
  readonly declared: Declared;
  next: number;

  constructor(
    boot: Boot,
    stream: StoredStream,
    next = 0,
    settled: Iterable<NumberRange> = [],
    declared = new Declared(),
  ) {
    this.boot = boot;
    this.stream = stream;
    this.next = next;
    this.settled = NumberSet.of(settled);
    this.declared = declared;
  }

  /** Whether nothing of it waits. */
  get isDone(): boolean {
    return this.settled.size >= this.next;
  }
}
