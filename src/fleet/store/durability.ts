import { GoshawkError } from '../../contract/errors.ts';
import type { Database } from './database.ts';

/** Without these a commit may be gone after a power cut, and robots forget what was acknowledged. */
const REQUIRED = ['fsync', 'full_page_writes', 'synchronous_commit'] as const;

/** @throws GoshawkError GOSHAWK_DATABASE_NOT_DURABLE; as `Database.query` does */
export async function checkDurability(database: Database): Promise<void> {
  const settings = await database.query<{ name: string; setting: string }>({
    text: 'select name, setting from pg_settings where name = any($1)',
    values: [REQUIRED],
  });
  for (const { name: setting, setting: value } of settings)
    if (value === 'off')
      throw new GoshawkError('GOSHAWK_DATABASE_NOT_DURABLE', { database: database.name, setting, value });
}
