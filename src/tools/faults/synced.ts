import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Bytes of each write-ahead log of the outbox that were synced. */
const sizesSchema = z.record(z.string(), z.number());

const isLog = (name: string): boolean => name.endsWith('.log');

/** Notes how much of the outbox's logs a power cut would leave. */
export function noteSyncedLogs(outbox: string, note: string): void {
  const folder = join(outbox, 'messages');
  const sizes: Record<string, number> = {};
  for (const name of readdirSync(folder).filter(isLog)) {
    const stats = statSync(join(folder, name), { throwIfNoEntry: false });
    if (stats !== undefined) sizes[name] = stats.size;
  }
  writeFileSync(`${note}.sizes`, JSON.stringify(sizes));
}

/** The same for the marks, which are a file of two pages. */
export function noteSyncedMarks(outbox: string, note: string): void {
  copyFileSync(join(outbox, 'marks'), `${note}.marks`);
}

/** What a power cut does: whatever was written after the last sync is gone. The process must be gone too. */
export function dropUnsynced(outbox: string, note: string): void {
  if (!existsSync(`${note}.sizes`) || !existsSync(`${note}.marks`)) return;
  let sizes: Record<string, number>;
  try {
    sizes = sizesSchema.parse(JSON.parse(readFileSync(`${note}.sizes`, 'utf8')));
  } catch {
    // the process was killed while it wrote the note: nothing is known, so nothing is dropped
    return;
  }
  const folder = join(outbox, 'messages');
  for (const name of readdirSync(folder).filter(isLog)) {
    const kept = sizes[name] ?? 0;
    if (statSync(join(folder, name)).size > kept) truncateSync(join(folder, name), kept);
  }
  const marks = readFileSync(`${note}.marks`);
  if (marks.length === statSync(join(outbox, 'marks')).size) writeFileSync(join(outbox, 'marks'), marks);
}
