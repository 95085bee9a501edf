import type {
  Marks,
  MarkStore,
  OutboxStore,
  StoreChanges,
} from '../../../../src/device/telemetry/outbox/store.ts';

/** A disk in memory, with the faults of real ones. What it holds outlives the outboxes that are opened on it. */
export class FakeDisk {
  readonly records = new Map<string, string>();
  marks: Marks | null = null;
  /** writes fail and change nothing */
  isFull = false;
  /** the fault of a store that does not sync: the last writes are gone after a power cut */
  unsynced: (() => void)[] = [];
  syncs = true;

  readonly store: OutboxStore = {
    records: () => this.#all(),
    write: async (changes) => {
      await Promise.resolve();
      if (this.isFull) throw new Error('no space left');
      this.#apply(changes);
    },
    read: (key) => Promise.resolve(this.records.get(key)),
    close: () => Promise.resolve(),
  };

  readonly markStore: MarkStore = {
    read: () => Promise.resolve(this.marks),
    write: async (marks) => {
      await Promise.resolve();
      const before = this.marks;
      this.marks = marks;
      if (!this.syncs) this.unsynced.push(() => (this.marks = before));
    },
    close: () => Promise.resolve(),
  };

  powerCut(): void {
    for (const undo of this.unsynced.reverse()) undo();
    this.unsynced = [];
  }

  async *#all(): AsyncIterable<readonly [string, string]> {
    await Promise.resolve();
    yield* [...this.records].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #apply(changes: StoreChanges): void {
    const before = new Map([...changes.keys()].map((key) => [key, this.records.get(key)]));
    for (const [key, value] of changes) {
      if (value === null) this.records.delete(key);
      else this.records.set(key, value);
    }
    if (this.syncs) return;
    this.unsynced.push(() => {
      for (const [key, value] of before) {
        if (value === undefined) this.records.delete(key);
        else this.records.set(key, value);
      }
    });
  }
}
