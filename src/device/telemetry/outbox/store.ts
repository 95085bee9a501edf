/** What is written in one step, whole or not at all; null deletes. */
export type StoreChanges = ReadonlyMap<string, string | null>;

/** The disk below an outbox. */
export interface OutboxStore {
  /** Every record, in the order of keys. */
  records(): AsyncIterable<readonly [key: string, record: string]>;
  /** Resolves once all of it is on the disk and survives a power cut. Rejects if none of it is. */
  write(changes: StoreChanges): Promise<void>;
  /** The record of each key; undefined if there is none, or it is damaged. Rejects while they cannot be read. */
  read(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  close(): Promise<void>;
}

/** Numbers of the running boot that may be in use, kept apart from the outbox so that a power cut can be measured. */
export interface Marks {
  /** numbers below this one may be used */
  readonly reserved: Readonly<Record<string, number>>;
  readonly bootId: string;
  readonly bootCount: number;
}

/** An earlier boot of which something waits, kept apart from the outbox so that the loss of the outbox is seen. */
export interface EarlierBoot {
  readonly bootId: string;
  readonly bootCount: number;
  /** by stream: every number below this one is in use */
  readonly next: Readonly<Record<string, number>>;
}

/** What is kept apart from the outbox. */
export interface SavedMarks {
  /** of the boot that ran last; null if there are none that can be trusted */
  readonly last: Marks | null;
  /** boots before it */
  readonly earlier: readonly EarlierBoot[];
}

export interface MarkStore {
  read(): Promise<SavedMarks>;
  /** Resolves once they are on the disk. */
  write(marks: Marks): Promise<void>;
  /**
   * Replaces the earlier boots. Resolves once they are on the disk.
   * @param boots as many as `MAX_EARLIER_BOOTS`
   */
  writeEarlier(boots: readonly EarlierBoot[]): Promise<void>;
  close(): Promise<void>;
}

/** Earlier boots that are kept, the newest of them: this many fit into the file of marks. */
export const MAX_EARLIER_BOOTS = 1_000;
