import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Speaker } from '../../../contract/telemetry/speaker.ts';
import { levelsOf } from '../../../contract/telemetry/speaker.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { errorText } from '../../../platform/error-text.ts';
import type { OutboxDisk } from './disk-limit.ts';
import { LevelStore } from './level-store.ts';
import { MarkFile } from './mark-file.ts';
import { outboxRoot } from './outbox-root.ts';
import { putAside } from './put-aside.ts';

/**
 * Where the messages of a detector wait.
 * @param given the folder of all outboxes; empty for `goshawk/telemetry` in the user's state folder
 */
export function outboxFolder(given: string, speaker: Speaker, env: NodeJS.ProcessEnv = process.env): string {
  return join(outboxRoot(given, env), ...levelsOf(speaker));
}

/**
 * Opens the outbox in a folder, or makes one.
 * @param log gets a line if something was repaired
 * @throws GoshawkError GOSHAWK_OUTBOX_IN_USE, GOSHAWK_OUTBOX_UNWRITABLE
 */
export async function openOutboxFolder(folder: string, log: (line: string) => void): Promise<OutboxDisk> {
  // The lock of the database is taken first: the marks are those of whoever holds it.
  const store = await LevelStore.open(join(folder, 'messages'), log);
  try {
    return { store, marks: await openMarks(join(folder, 'marks'), log) };
  } catch (error) {
    await store.close();
    throw new GoshawkError(
      'GOSHAWK_OUTBOX_UNWRITABLE',
      { folder, reason: errorText(error) },
      { cause: error },
    );
  }
}

/** The marks in the database take the place of a file that is none. */
async function openMarks(path: string, log: (line: string) => void): Promise<MarkFile> {
  const there = await lstat(path).catch(() => null);
  if (there !== null && !there.isFile()) await putAside(path, 'is not a file of its own', log);
  return MarkFile.open(path);
}
