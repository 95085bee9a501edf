import { constants } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError } from '../../../contract/errors.ts';
import { errorText } from '../../../platform/error-text.ts';
import { inTemporaryFolder } from '../../../platform/temporary-folder.ts';
import { openOutboxFolder } from '../outbox/outbox-folder.ts';
import { recover } from '../outbox/recover.ts';
import type { LedgerContent } from './ledger-rows.ts';

/**
 * What is in an outbox that no process has open. It is copied first: the disk of the detector is not changed, and one
 * that starts meanwhile finds its outbox free. Damage is repaired in the copy.
 * @throws GoshawkError GOSHAWK_FILE_UNREADABLE, such as for another user's outbox
 */
export function readOutbox(folder: string): Promise<LedgerContent> {
  return inTemporaryFolder('outbox', async (copy) => {
    await copyOutbox(folder, copy);
    const { store, marks } = await openOutboxFolder(copy, () => undefined);
    try {
      return await recover(store, await marks.read());
    } finally {
      await marks.close();
      await store.close();
    }
  });
}

async function copyOutbox(folder: string, copy: string): Promise<void> {
  const messages = join(folder, 'messages');
  await mkdir(join(copy, 'messages'));
  const names = await ifThere(messages, () => readdir(messages), []);
  // LOCK holds nothing; the log file only shows what LevelDB did
  const kept = names.filter((name) => name !== 'LOCK' && !name.startsWith('LOG'));
  const files = [...kept.map((name) => join('messages', name)), 'marks'];
  // a table may go while the others are copied
  for (const file of files) {
    const from = join(folder, file);
    await ifThere(from, () => copyFile(from, join(copy, file), constants.COPYFILE_FICLONE), undefined);
  }
}

/** @throws GoshawkError GOSHAWK_FILE_UNREADABLE for what is there and cannot be read */
async function ifThere<T>(file: string, work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason: errorText(error) }, { cause: error });
  }
}
