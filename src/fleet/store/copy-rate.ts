import { mkdtemp, rm, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from './database.ts';

/** Rows of a transaction, as an ingestor makes them. */
const ROWS = 2_000;
/** Transactions at once, as an ingestor has them. */
const AT_ONCE = 2;
const COLUMNS = 'received_at, ledger, first_id, last_id, at, historical, payload';

/**
 * Rows per second that the server of an empty table like that of messages takes by COPY from a file: what there is to
 * gain without checks, acknowledgements and a ledger.
 * @param payloads JSON, used in turn
 * @param folder that the server can read
 * @throws as `Database.query` does
 */
export async function measureCopy(
  database: Database,
  payloads: readonly string[],
  seconds: number,
  folder: string,
): Promise<number> {
  const home = await mkdtemp(join(folder, 'copy-'));
  try {
    await chmod(home, 0o755);
    const files = await writeRows(home, payloads);
    await database.query('create table fleet.copied (like fleet.messages including indexes)');
    const end = performance.now() + seconds * 1_000;
    const startedAt = performance.now();
    let rows = 0;
    const work = async (turn: number): Promise<void> => {
      for (let at = turn; performance.now() < end; at += AT_ONCE) {
        await database.query(`copy fleet.copied (${COLUMNS}) from '${files[at % files.length] ?? ''}'`);
        rows += ROWS;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, turn) => work(turn)));
    return rows / ((performance.now() - startedAt) / 1_000);
  } finally {
    await database.query('drop table if exists fleet.copied');
    await rm(home, { recursive: true, force: true });
  }
}

/** Files in COPY's text format, each with the rows of a transaction. */
async function writeRows(home: string, payloads: readonly string[]): Promise<readonly string[]> {
  const now = new Date().toISOString();
  const files = Array.from({ length: 2 * AT_ONCE }, (_, file) => join(home, `${file}.rows`));
  for (const [file, path] of files.entries()) {
    const lines = Array.from({ length: ROWS }, (_, row) => {
      const at = file * ROWS + row;
      const json = (payloads[at % payloads.length] ?? '{}').replaceAll('\\', '\\\\');
      return [now, at % payloads.length, at, at, now, 'f', json].join('\t');
    });
    await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o644 });
  }
  return files;
}
