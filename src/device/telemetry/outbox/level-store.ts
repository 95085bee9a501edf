import { lstat, mkdir } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import { GoshawkError } from '../../../contract/errors.ts';
import { errorText } from '../../../platform/error-text.ts';
import { putAside } from './put-aside.ts';
import type { OutboxStore, StoreChanges } from './store.ts';

type LevelError = Error & { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };

/**
 * Little is in memory at a time: what was read is garbage soon, of which the collector keeps a share for as long as the
 * thread lives.
 */
const ITERATION = { highWaterMarkBytes: 256 << 10, fillCache: false };

/** How LevelDB says, without a code of its own, that files in its folder are not those that it wrote. */
const FOREIGN = /^(Invalid argument|Not implemented)|: (Is a directory|No such file or directory)$/;

/** The only place that knows LevelDB. Every write is synced. */
export class LevelStore implements OutboxStore {
  readonly #level: ClassicLevel;
  #isBroken = false;

  private constructor(level: ClassicLevel) {
    this.#level = level;
  }

  /**
   * Opens the database in a folder, or makes one. A damaged one is repaired; one that cannot be is put aside, and
   * the caller's marks and accounts find out what is missing.
   * @param log gets a line if something was repaired or put aside
   * @throws GoshawkError GOSHAWK_OUTBOX_IN_USE, GOSHAWK_OUTBOX_UNWRITABLE
   */
  static async open(folder: string, log: (line: string) => void): Promise<LevelStore> {
    try {
      if (await isForeign(folder)) await putAside(folder, 'is not a folder of its own', log);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return await LevelStore.#openPlain(folder);
    } catch (error) {
      refuseUnlessDamaged(folder, error);
      log(`the outbox in ${folder} is damaged and is repaired: ${causeText(error)}`);
    }
    try {
      await ClassicLevel.repair(folder);
      return await LevelStore.#openPlain(folder);
    } catch (error) {
      refuseUnlessDamaged(folder, error);
      await putAside(folder, `cannot be repaired: ${causeText(error)}`, log);
      return LevelStore.#openPlain(folder);
    }
  }

  static async #openPlain(folder: string): Promise<LevelStore> {
    const level = new ClassicLevel(folder, { cacheSize: 1 << 20, writeBufferSize: 1 << 20 });
    await level.open();
    try {
      // Damage to a table shows only where it is read. A key comes with the block of its value.
      for await (const key of level.keys(ITERATION)) void key;
    } catch (error) {
      await level.close();
      throw error;
    }
    return new LevelStore(level);
  }

  async *records(): AsyncIterable<readonly [string, string]> {
    yield* this.#level.iterator(ITERATION);
  }

  async write(changes: StoreChanges): Promise<void> {
    const operations = [...changes].map(([key, value]) =>
      value === null ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
    );
    if (this.#isBroken) await this.#reopen();
    try {
      await this.#level.batch(operations, { sync: true });
    } catch (error) {
      // LevelDB takes no write after one that failed, until it is opened again.
      this.#isBroken = true;
      throw error;
    }
  }

  async read(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    try {
      return await this.#level.getMany([...keys], { fillCache: false });
    } catch (error) {
      // A database that a full disk keeps from being opened again still has the records.
      if (codeOf(error) !== 'LEVEL_CORRUPTION') throw error;
      const [only] = keys;
      if (only === undefined || keys.length === 1) return [undefined];
    }
    // Which of them is damaged shows where each is read by itself.
    const records: (string | undefined)[] = [];
    for (const key of keys) records.push(...(await this.read([key])));
    return records;
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  async #reopen(): Promise<void> {
    await this.#level.close();
    await this.#level.open();
    this.#isBroken = false;
  }
}

/** A link would lead to a database of somebody else, which would be repaired and emptied. */
async function isForeign(folder: string): Promise<boolean> {
  const there = await lstat(folder).catch(() => null);
  return there !== null && !there.isDirectory();
}

/**
 * Only damage is repaired or put aside. All else leaves the database as it is: another process has it open, the disk
 * takes nothing, descriptors or memory ran out, a read failed.
 */
function refuseUnlessDamaged(folder: string, error: unknown): void {
  if (codeOf(error) === 'LEVEL_LOCKED')
    throw new GoshawkError('GOSHAWK_OUTBOX_IN_USE', { folder }, { cause: error });
  const reason = causeText(error);
  if (codeOf(error) === 'LEVEL_CORRUPTION' || FOREIGN.test(reason)) return;
  throw new GoshawkError('GOSHAWK_OUTBOX_UNWRITABLE', { folder, reason }, { cause: error });
}

/** LevelDB's own code, which opening wraps. */
function codeOf(error: unknown): unknown {
  const { code, cause } = error as LevelError;
  return cause?.code ?? code;
}

function causeText(error: unknown): string {
  const { cause } = error as LevelError;
  return cause instanceof Error ? cause.message : errorText(error);
}
