import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../contract/errors.ts';
import { isBadValue, SqlError } from '../store/database.ts';
import type { FleetMessage, MessageIdentity } from '../store/fleet-message.ts';
import { LEDGER_BOUNDS } from '../store/ledger-index.ts';
import type { Beyond, StoreCounts } from '../store/message-store.ts';
import type { Quarantined } from '../store/quarantine.ts';
import type { AckSender } from './acks.ts';
import type { Intake } from './intake.ts';
import { refusalOf, type RefusedMessage } from '../check/refusal.ts';
import { noteRefusal, type Notices } from './notices.ts';
import { QuarantineBudget } from './quarantine-budget.ts';
import type { Received } from '../check/received.ts';
import { Refused } from '../check/refused.ts';
import { separate } from './separate.ts';

const MAX_BATCH = 2_000;
/** While one is stored, the database already reads the other. */
const BATCHES_AT_ONCE = 2;
/** Of payloads; a single larger message is a batch by itself. */
const MAX_BATCH_BYTES = 8 << 20;
const BATCH_WAIT_MS = 50;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 10_000;
/** Between looks for whether to end, while nothing comes. */
const IDLE_MS = 500;

/** SQLSTATE of a row for which there is no partition. */
const NO_PARTITION = '23514';

const BEYOND: Readonly<Record<Beyond, string>> = {
  boots:
    `its robot began ${LEDGER_BOUNDS.rowsAnHour} streams of boots in an hour, or ${LEDGER_BOUNDS.rowsInAll} in all, ` +
    'and may begin no more',
  ranges: `it leaves more than ${LEDGER_BOUNDS.ranges} ranges of numbers in a stream of a boot`,
};

/** What the committer needs of the database. */
export interface CommitStore {
  store(messages: readonly FleetMessage[]): Promise<StoreCounts>;
  /** @returns for each of them whether it is there whole, under its numbers */
  quarantine(messages: readonly Quarantined[]): Promise<readonly boolean[]>;
  /** @param nowMs of a message for whose day there was no partition */
  makePartitions(nowMs: number): Promise<void>;
}

/** What the committer reports. */
export interface CommitEvents {
  onStored(counts: StoreCounts, seconds: number): void;
  onRefused(refusal: RefusedMessage): void;
  onRetry(): void;
}

interface Checked {
  readonly received: Received;
  readonly message: FleetMessage;
}

/** What became of a batch. */
interface Outcome {
  readonly refused: readonly RefusedMessage[];
  /** those of them that are whole in quarantine */
  readonly kept: readonly Identified[];
}

/** A message and the numbers under which it is acknowledged. */
interface Identified {
  readonly received: Received;
  readonly message: MessageIdentity;
}

/** Stores what the intake has, batch by batch, or keeps it in quarantine, and acknowledges it then. */
export class Committer {
  readonly #intake: Intake;
  readonly #store: CommitStore;
  readonly #acks: readonly AckSender[];
  readonly #events: CommitEvents;
  readonly #notices: Notices;
  readonly #budget = new QuarantineBudget();
  /** checked, and not in a batch yet, because another message of its numbers was */
  #deferred: Checked[] = [];
  /** those that are being stored */
  readonly #batches = new Set<{ readonly oldestMs: number }>();

  /** @param acks by link */
  constructor(
    intake: Intake,
    store: CommitStore,
    acks: readonly AckSender[],
    events: CommitEvents,
    notices: Notices,
  ) {
    this.#intake = intake;
    this.#store = store;
    this.#acks = acks;
    this.#events = events;
    this.#notices = notices;
  }

  /** When the oldest message that is not committed yet was received; null if there is none. */
  get oldestMs(): number | null {
    const times = [...this.#batches].map(({ oldestMs }) => oldestMs);
    return times.length === 0 ? this.#intake.oldestMs : Math.min(...times);
  }

  /** Works until the signal, and then on what waits already, as long as the database takes it. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted || this.#intake.waiting + this.#deferred.length > 0) {
      if (this.#intake.waiting + this.#deferred.length === 0) {
        await this.#intake.untilWaiting(1, IDLE_MS);
        continue;
      }
      if (!signal.aborted) await this.#intake.untilWaiting(MAX_BATCH, BATCH_WAIT_MS);
      if (!(await this.#commitBatch(signal))) return;
    }
  }

  /** @returns false if it was given up because the work is to end */
  async #commitBatch(signal: AbortSignal): Promise<boolean> {
    const oldestMs = this.#deferred[0]?.received.receivedMs ?? this.#intake.oldestMs;
    // the other batch may have taken what was waited for
    if (oldestMs === null) return true;
    const current = { oldestMs };
    this.#batches.add(current);
    const refusals: RefusedMessage[] = [];
    const checked = [...this.#deferred];
    for (const { received, checked: found } of this.#intake.take(
      MAX_BATCH - checked.length,
      MAX_BATCH_BYTES,
    )) {
      const { message, refusal } = found;
      if (message === undefined) refusals.push(refusal);
      else checked.push({ received, message });
    }
    const { batch, again, deferred } = separate(checked);
    this.#deferred = deferred;
    let outcome: Outcome = { refused: [], kept: [] };
    const isDone = await this.#untilDone(signal, async () => {
      outcome = await this.#commit(batch, refusals);
    });
    this.#batches.delete(current);
    if (!isDone) return false;
    const refusedOnes = new Set(outcome.refused.map(({ received }) => received));
    const stored = batch.filter(({ received }) => !refusedOnes.has(received));
    // Of what was there twice, one is stored: unless the database refused it, which the next batch finds out.
    if (stored.length < batch.length) this.#deferred.push(...again);
    else stored.push(...again);
    this.#acknowledge([...stored, ...outcome.kept]);
    this.#intake.release([...stored.map(({ received }) => received), ...refusedOnes]);
    return true;
  }

  /** Tries for as long as it takes. @returns false if the work is to end and it does not succeed at once */
  async #untilDone(signal: AbortSignal, work: () => Promise<void>): Promise<boolean> {
    for (let waitMs = RETRY_MIN_MS; ; waitMs = Math.min(RETRY_MAX_MS, waitMs * 2)) {
      try {
        await work();
        return true;
      } catch (error) {
        this.#events.onRetry();
        this.#notices.note('retry', `nothing can be stored, trying again: ${describeError(error)}`);
        if (signal.aborted) return false;
        await sleep(waitMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /**
   * Stores a batch; of one with a message that the database does not take, all others.
   * @param refusals which are refused already
   */
  async #commit(batch: readonly Checked[], refusals: readonly RefusedMessage[]): Promise<Outcome> {
    const refused = [...refusals];
    await this.#storeAll(batch, refused);
    return { refused, kept: await this.#quarantine(refused) };
  }

  async #storeAll(batch: readonly Checked[], refusals: RefusedMessage[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    try {
      const startedAt = performance.now();
      const counts = await this.#store.store(batch.map(({ message }) => message));
      this.#events.onStored(counts, (performance.now() - startedAt) / 1_000);
      for (const { received, message } of batch) {
        const bound = counts.beyond.get(message);
        if (bound !== undefined) refusals.push(refusalOf(received, new Refused(bound, BEYOND[bound])));
      }
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      if (error.state === NO_PARTITION) {
        const times = batch.map(({ message }) => message.receivedMs);
        await this.#store.makePartitions(Math.min(...times));
        await this.#store.makePartitions(Math.max(...times));
        throw error;
      }
      if (!isBadValue(error)) throw error;
      if (batch.length === 1) {
        refusals.push(refusalOf(first.received, new Refused('database', error.message)));
        return;
      }
      const half = batch.length >> 1;
      await this.#storeAll(batch.slice(0, half), refusals);
      await this.#storeAll(batch.slice(half), refusals);
    }
  }

  /** @returns those that are kept whole, and that the robot may forget therefore */
  async #quarantine(refusals: readonly RefusedMessage[]): Promise<Identified[]> {
    if (refusals.length === 0) return [];
    const now = performance.now();
    const areWhole = await this.#store.quarantine(
      refusals.map(({ received, reason, detail, identity }) => ({
        ...received,
        reason,
        detail,
        identity,
        isToBeKept: this.#budget.admits(received, identity, now),
      })),
    );
    for (const refusal of refusals) {
      this.#events.onRefused(refusal);
      noteRefusal(this.#notices, refusal);
    }
    return refusals.flatMap(({ received, identity }, at) =>
      identity !== null && areWhole[at] === true ? [{ received, message: identity }] : [],
    );
  }

  #acknowledge(stored: readonly Identified[]): void {
    this.#acks.forEach((acks, link) => {
      const mine = stored.filter(({ received }) => received.link === link);
      if (mine.length > 0) acks.add(mine.map(({ message }) => message));
    });
  }
}
