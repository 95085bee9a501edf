import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GoshawkError } from '../../../contract/errors.ts';
import { writeFileWhole } from '../../../platform/atomic-file.ts';
import { startOfProcess } from './processes.ts';

const ownerSchema = z.object({ pid: z.int().positive(), start: z.string() });

/**
 * Notes that this process uses the folder.
 * @returns takes the note away
 * @throws GoshawkError GOSHAWK_POSTGRES_IN_USE if another running process uses it
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'owner.json');
  const owner = await readOwner(file);
  if (owner !== null && owner.pid !== process.pid && (await startOfProcess(owner.pid)) === owner.start)
    throw new GoshawkError('GOSHAWK_POSTGRES_IN_USE', { folder, pid: owner.pid });
  const start = (await startOfProcess(process.pid)) ?? '';
  await writeFileWhole(file, `${JSON.stringify({ pid: process.pid, start })}\n`);
  return () => rm(file, { force: true });
}

async function readOwner(file: string): Promise<z.infer<typeof ownerSchema> | null> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // none, or torn by a power cut: whoever wrote it is gone
    return null;
  }
}
