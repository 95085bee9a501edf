import type { MarkStore, OutboxStore } from './store.ts';

/** Replaces a disk that cannot be used: its content is lost with the process. */
export function memoryStore(): { readonly store: OutboxStore; readonly marks: MarkStore } {
  const records = new Map<string, string>();
  const done = Promise.resolve();
  return {
    store: {
      async *records() {
        await done;
        yield* [];
      },
      write: (changes) => {
        for (const [key, value] of changes) {
          if (value === null) records.delete(key);
          else records.set(key, value);
        }
        return done;
      },
      read: (keys) => Promise.resolve(keys.map((key) => records.get(key))),
      close: () => done,
    },
    marks: {
      read: () => Promise.resolve({ last: null, earlier: [] }),
      write: () => done,
      writeEarlier: () => done,
      close: () => done,
    },
  };
}
