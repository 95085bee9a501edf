/** What is written in one step, whole or not at all; null deletes. */
export type StoreChanges = ReadonlyMap<string, string | null>;

/** The disk below an outbox. */
export interface OutboxStore {
  /** Every record, in the order of keys. */
  records(): AsyncIterable<readonly [key: string, record: string]>;
  /** Resolves once all of it is on the disk and survives a power cut. Rejects if none of it is. */
  write(changes: StoreChanges): Promise<void>;
  /** undefined if there is none, or it cannot be read */
  read(key: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Numbers of the running boot that may be in use, kept apart from the outbox so that a power cut can be measured. */
export interface Marks {
  /** numbers below this one may be used */
  readonly reserved: Readonly<Record<string, number>>;
  readonly bootId: string;
  readonly bootCount: number;
}

export interface MarkStore {
  /** null if there are none that can be trusted */
  read(): Promise<Marks | null>;
  /** Resolves once they are on the disk. */
  write(marks: Marks): Promise<void>;
  close(): Promise<void>;
}
