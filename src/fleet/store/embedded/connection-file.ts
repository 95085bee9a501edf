import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileWhole } from '../../../platform/atomic-file.ts';
import { EMBEDDED_USER, placesIn } from './cluster.ts';

const connectionSchema = z.object({ port: z.int().min(1).max(65_535) });

/** How to reach an embedded database. */
export interface EmbeddedConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Notes the port for other commands. */
export async function writeConnection(folder: string, port: number): Promise<void> {
  await writeFileWhole(join(folder, 'connection.json'), `${JSON.stringify({ port })}\n`);
}

/** How the database of a folder was last reached; null if there never was one. */
export async function readConnection(folder: string): Promise<EmbeddedConnection | null> {
  try {
    const { port } = connectionSchema.parse(
      JSON.parse(await readFile(join(folder, 'connection.json'), 'utf8')),
    );
    const password = await readFile(placesIn(folder).password, 'utf8');
    return { host: '127.0.0.1', port, user: EMBEDDED_USER, password };
  } catch {
    return null;
  }
}
