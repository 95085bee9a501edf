import { constants } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOutboxFolder } from '../outbox/outbox-folder.ts';
import { recover } from '../outbox/recover.ts';
import type { LedgerContent } from './ledger-rows.ts';

/**
 * What is in an outbox that no process has open. It is copied first: the disk of the detector is not changed, and one
 * that starts meanwhile finds its outbox free. Damage is repaired in the copy.
 */
export async function readOutbox(folder: string): Promise<LedgerContent> {
  const copy = await mkdtemp(join(tmpdir(), 'goshawk-outbox-'));
  try {
    await copyOutbox(folder, copy);
    const { store, marks } = await openOutboxFolder(copy, () => undefined);
    try {
      return await recover(store, await marks.read());
    } finally {
      await marks.close();
      await store.close();
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function copyOutbox(folder: string, copy: string): Promise<void> {
  const messages = join(folder, 'messages');
  await mkdir(join(copy, 'messages'));
  const names = await readdir(messages).catch(() => []);
  // LOCK holds nothing; the log file only shows what LevelDB did
  const kept = names.filter((name) => name !== 'LOCK' && !name.startsWith('LOG'));
  const files = [...kept.map((name) => join('messages', name)), 'marks'];
  for (const file of files) await copyIfThere(join(folder, file), join(copy, file));
}

/** A table may go while the others are copied. */
async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
