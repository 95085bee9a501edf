import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { errorText } from '../../platform/error-text.ts';
import {
  joinSpans,
  mergeTopics,
  type RecordedDamage,
  type RecordedMessage,
  type RecordedTopic,
  type Recording,
  type TimeSpan,
} from './recording.ts';

type Row = Readonly<Record<string, unknown>>;

/** The first bytes of every SQLite 3 database. */
export const SQLITE_MAGIC = new TextEncoder().encode('SQLite format 3\0');

/**
 * Offset of the read version in the header, and the value for a write-ahead log (SQLite file format, 1.3.3).
 */
const VERSION_AT = 19;
const WAL_VERSION = 2;

/** A rosbag2 database (`.db3`, storage `sqlite3`): the default of Foxy to Iron. */
export class SqliteRecording implements Recording {
  readonly topics: readonly RecordedTopic[];
  readonly notices: readonly string[] = [];
  readonly #database: InstanceType<typeof sqlite.Database>;
  readonly #spans = new Map<string, TimeSpan>();
  readonly #folder: string;

  /**
   * The library locks a database with a folder next to it, which fails in a read-only folder and stays behind
   * when a process is killed. So it is given a link to the file in a separate folder.
   * @param head the first bytes of the file
   * @throws Error if it is not a rosbag2 database or is damaged
   */
  static async open(path: string, head: Uint8Array): Promise<SqliteRecording> {
    if (head[VERSION_AT] === WAL_VERSION) {
      throw new Error(
        `it is a database with a write-ahead log; merge it: sqlite3 ${path} "PRAGMA journal_mode=DELETE"`,
      );
    }
    const folder = await mkdtemp(join(tmpdir(), 'goshawk-recording-'));
    try {
      const link = join(folder, 'recording.db3');
      await symlink(resolve(path), link);
      return new SqliteRecording(link, folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      const reason = error instanceof Error ? error.message : String(error);
      const words = reason.startsWith('no such')
        ? `it is a database, but not one of rosbag2 (${reason})`
        : `the database cannot be read (${reason}); try: sqlite3 ${path} ".recover" | sqlite3 RECOVERED.db3`;
      throw new Error(words, { cause: error });
    }
  }

  private constructor(link: string, folder: string) {
    this.#folder = folder;
    this.#database = new sqlite.Database(link, { readOnly: true, fileMustExist: true });
    try {
      this.topics = this.#readTopics();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  span(topic: string): Promise<TimeSpan | undefined> {
    return Promise.resolve(this.#spans.get(topic));
  }

  /**
   * Each message is read on its own: sorting whole rows would take as much memory as the topic, and a damaged page
   * would cost all messages instead of its own.
   */
  // eslint-disable-next-line @typescript-eslint/require-await -- the library reads synchronously
  async *messages(topic: string): AsyncGenerator<RecordedMessage | RecordedDamage, void, void> {
    const statement = this.#database.prepare(
      'SELECT id, timestamp FROM messages WHERE topic_id IN (SELECT id FROM topics WHERE ' +
        'name = ?) ORDER BY timestamp, id',
    );
    try {
      for (const row of statement.iterate([topic]) as Iterable<Row>) yield this.#read(row);
    } catch (error) {
      yield { damage: `the rest of the database: ${errorText(error)}` };
    } finally {
      finalize(statement);
    }
  }

  #read({ id, timestamp }: Row): RecordedMessage | RecordedDamage {
    try {
      const row = this.#database.get('SELECT data FROM messages WHERE id = ?', [
        id as number | bigint,
      ]) as Row | null;
      const data = row?.['data'];
      if (data instanceof Uint8Array) return { data, logTime: asBigInt(timestamp) };
      return { damage: `message ${String(id)} of the database is empty` };
    } catch (error) {
      return { damage: `message ${String(id)} of the database: ${errorText(error)}` };
    }
  }

  async close(): Promise<void> {
    this.#database.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #readTopics(): RecordedTopic[] {
    const rows = this.#database.all(
      'SELECT t.name AS name, t.type AS type, t.serialization_format AS encoding, COUNT(m.timestamp) AS count, ' +
        'MIN(m.timestamp) AS first, MAX(m.timestamp) AS last ' +
        'FROM topics t LEFT JOIN messages m ON m.topic_id = t.id GROUP BY t.id',
    ) as readonly Row[];
    return mergeTopics(
      rows.map((row): RecordedTopic[] => {
        const name = String(row['name']);
        const count = Number(row['count']);
        if (count > 0) {
          const span = { first: asBigInt(row['first']), last: asBigInt(row['last']) };
          this.#spans.set(name, joinSpans(this.#spans.get(name), span));
        }
        return [{ name, type: String(row['type']), encoding: String(row['encoding']), count }];
      }),
    );
  }
}

/** The library throws the error of the last row once more. */
function finalize(statement: { finalize: () => void }): void {
  try {
    statement.finalize();
  } catch {
    // it was reported with the row
  }
}

/** The library returns small whole numbers as numbers, times in nanoseconds as BigInt. */
function asBigInt(value: unknown): bigint {
  return typeof value === 'bigint' ? value : BigInt(Number(value));
}
