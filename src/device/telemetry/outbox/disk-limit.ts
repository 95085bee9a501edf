import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../platform/clock.ts';
import { TIME_IS_UP, withTimeLimit } from '../../../platform/time-limit.ts';
import type { MarkStore, OutboxStore } from './store.ts';

/** A disk that answers later counts as one that takes nothing. */
const ANSWER_LIMIT_MS = 5_000;

/** Records that are read in one operation. */
const RECORDS_AT_ONCE = 64;

/** The disk below an outbox. */
export interface OutboxDisk {
  readonly store: OutboxStore;
  readonly marks: MarkStore;
}

/**
 * A disk that never keeps its caller waiting for longer than 5 s. Once an operation takes longer, it and all others are
 * refused until it ends, however it does: what was refused may be on the disk, and is to be written again. There is one
 * operation at a time, so that a disk that hangs holds one thread of the process's pool, on which perception depends.
 */
export function limitDisk({ store, marks }: OutboxDisk, clock: Clock): OutboxDisk {
  const line = new Line(clock);
  return {
    store: {
      records: () => readInChunks(store, line),
      write: (changes) => line.run(() => store.write(changes)),
      read: (keys) => readInTurns(keys, store, line),
      close: () => line.run(() => store.close()),
    },
    marks: {
      read: () => line.run(() => marks.read()),
      write: (own) => line.run(() => marks.write(own)),
      writeEarlier: (boots) => line.run(() => marks.writeEarlier(boots)),
      close: () => line.run(() => marks.close()),
    },
  };
}

/** Operations one after the other, each within the limit. */
class Line {
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #isStalled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws Error if it takes too long, or another one still does */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#isStalled) throw tooSlow();
    let isOver = false;
    const result = this.#last.then(() => {
      // Refused before it began.
      if (isOver) throw tooSlow();
      return work();
    });
    const ended = result.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    this.#last = ended;
    const value = await withTimeLimit(result, ANSWER_LIMIT_MS, this.#clock);
    if (value !== TIME_IS_UP) return value;
    // A process that was stopped for a while finds its timers due before it hears what was done meanwhile.
    await nextTurn();
    if (isOver) return result;
    isOver = true;
    this.#isStalled = true;
    void this.#last.then(() => (this.#isStalled = false));
    throw tooSlow();
  }
}

function tooSlow(): Error {
  return new Error(`the disk has not answered for ${String(ANSWER_LIMIT_MS / 1000)} s`);
}

async function* readInChunks(store: OutboxStore, line: Line): AsyncIterable<readonly [string, string]> {
  const records = store.records()[Symbol.asyncIterator]();
  for (;;) {
    const chunk = await line.run(() => take(records, RECORDS_AT_ONCE));
    yield* chunk;
    if (chunk.length < RECORDS_AT_ONCE) return;
  }
}

async function readInTurns(
  keys: readonly string[],
  store: OutboxStore,
  line: Line,
): Promise<readonly (string | undefined)[]> {
  const records: (string | undefined)[] = [];
  for (let first = 0; first < keys.length; first += RECORDS_AT_ONCE) {
    const some = keys.slice(first, first + RECORDS_AT_ONCE);
    records.push(...(await line.run(() => store.read(some))));
  }
  return records;
}

async function take<Item>(items: AsyncIterator<Item>, count: number): Promise<Item[]> {
  const taken: Item[] = [];
  while (taken.length < count) {
    const next = await items.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}
