import type {
  EarlierBoot,
  Marks,
  MarkStore,
  OutboxStore,
  StoreChanges,
} from '../../../../src/device/telemetry/outbox/store.ts';

/** A disk in memory, with the faults of real ones. What it holds outlives the outboxes that are opened on it. */
export class FakeDisk {
  readonly records = new Map<string, string>();
  marks: Marks | null = null;
  earlier: readonly EarlierBoot[] = [];
  /** writes fail and change nothing */
  isFull = false;
  /** after a write that failed nothing can be read until one succeeds, as in LevelDB */
  #isClosed = false;
  /** the fault of a store that does not sync: the last writes are gone after a power cut */
  unsynced: (() => void)[] = [];
  syncs = true;
  /** writes wait for it */
  held: Promise<void> = Promise.resolve();
  /** everything waits for it */
  #hanging: Promise<void> = Promise.resolve();
  /** a power cut takes the marks along, or what was written to them last */
  losesMarks: 'none' | 'all' | 'last' = 'none';
  /** the marks cannot be written */
  areMarksBroken = false;
  #marksBefore: Marks | null = null;

  readonly store: OutboxStore = {
    records: () => this.#all(),
    write: async (changes) => {
      await this.#hanging;
      await this.held;
      this.#isClosed = this.isFull;
      if (this.isFull) throw new Error('no space left');
      this.#apply(changes);
    },
    read: async (keys) => {
      await this.#hanging;
      if (this.#isClosed) throw new Error('the database is not open');
      return keys.map((key) => this.records.get(key));
    },
    close: () => this.#hanging,
  };

  readonly markStore: MarkStore = {
    read: async () => {
      await this.#hanging;
      return { last: this.marks, earlier: this.earlier };
    },
    writeEarlier: async (boots) => {
      await this.#hanging;
      if (this.areMarksBroken) throw new Error('input/output error');
      const before = this.earlier;
      this.earlier = boots;
      if (!this.syncs) this.unsynced.push(() => (this.earlier = before));
    },
    write: async (marks) => {
      await this.#hanging;
      if (this.areMarksBroken) throw new Error('input/output error');
      const before = this.marks;
      this.#marksBefore = before;
      this.marks = marks;
      if (!this.syncs) this.unsynced.push(() => (this.marks = before));
    },
    close: () => this.#hanging,
  };

  /** It answers nothing any more. @returns ends that */
  hang(): () => void {
    let end = (): void => undefined;
    this.#hanging = new Promise((resolve) => (end = resolve));
    return end;
  }

  /** Holds up writes. @returns lets them go on */
  hold(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return release;
  }

  powerCut(): void {
    for (const undo of this.unsynced.reverse()) undo();
    this.unsynced = [];
    this.#isClosed = false;
    if (this.losesMarks === 'all') {
      this.marks = null;
      this.earlier = [];
    }
    if (this.losesMarks === 'last') this.marks = this.#marksBefore;
  }

  async *#all(): AsyncIterable<readonly [string, string]> {
    await this.#hanging;
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
