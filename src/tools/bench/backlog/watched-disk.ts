import type { OutboxDisk } from '../../../device/telemetry/outbox/disk-limit.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A disk of which one can wait until nothing is being written. */
export class WatchedDisk {
  readonly #disk: OutboxDisk;
  readonly #writing = new Set<Promise<void>>();

  constructor(disk: OutboxDisk) {
    this.#disk = disk;
  }

  get disk(): OutboxDisk {
    const { store, marks } = this.#disk;
    return {
      store: {
        records: () => store.records(),
        read: (keys) => store.read(keys),
        write: (changes) => this.#watch(store.write(changes)),
        close: () => store.close(),
      },
      marks: {
        read: () => marks.read(),
        write: (next) => this.#watch(marks.write(next)),
        writeEarlier: (boots) => this.#watch(marks.writeEarlier(boots)),
        close: () => marks.close(),
      },
    };
  }

  /** Resolves once what was begun is written, and what follows from it. */
  async idle(): Promise<void> {
    await turn();
    while (this.#writing.size > 0) {
      await Promise.allSettled(this.#writing);
      await turn();
    }
  }

  #watch(write: Promise<void>): Promise<void> {
    const own = write.finally(() => this.#writing.delete(own));
    this.#writing.add(own);
    return own;
  }
}
