import type { Database } from './database.ts';

const DAY_MS = 86_400_000;
/** Made ahead: a database that nobody can change for a week goes on taking messages. */
const DAYS_AHEAD = 7;
/** Of the advisory lock under which partitions are made and dropped. */
const LOCK = 0x676f7369;

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/**
 * Makes missing partitions: of the day before, the day itself, and the week after it.
 * @param nowMs wall clock that messages are stamped with
 * @throws as `Database.query` does
 */
export async function ensurePartitions(database: Database, nowMs: number): Promise<void> {
  await database.transaction(async (session) => {
    await session.query({ text: 'select pg_advisory_xact_lock($1)', values: [LOCK] });
    for (let ahead = -1; ahead <= DAYS_AHEAD; ahead += 1) {
      const day = dayOf(nowMs + ahead * DAY_MS);
      const next = dayOf(nowMs + (ahead + 1) * DAY_MS);
      const name = `messages_${day.replaceAll('-', '')}`;
      await session.query(
        `create table if not exists fleet.${name} partition of fleet.messages ` +
          `for values from ('${day}T00:00:00Z') to ('${next}T00:00:00Z')`,
      );
    }
  });
}
