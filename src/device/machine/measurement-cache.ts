import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { parseJson } from '../../contract/json.ts';
import { writeFileWhole } from '../../platform/atomic-file.ts';
import { sha256Of } from '../../platform/digest.ts';
import { readRegularFile } from '../../platform/regular-file.ts';
import { userCacheFolder } from '../../platform/user-cache.ts';

/**
 * What was measured or checked, for which bundle, on which machine (`MachineFingerprint.digest`), and whatever else it
 * depends on.
 */
export interface MeasurementKey {
  readonly what: 'variants' | 'sizing' | 'reference-check';
  readonly bundleDigest: string;
  readonly fingerprint: string;
  readonly [more: string]: string | number | boolean | null;
}

/** A measurement is a handful of numbers; a larger file cannot be one. */
const MAX_BYTES = 64 * 1024;

/** Maximum number of files; the oldest are deleted first. */
const MAX_FILES = 256;

const fileSchema = z.strictObject({
  schema: z.literal('goshawk.measurement/1'),
  measuredAt: z.iso.datetime(),
  key: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  value: z.unknown(),
});

/** Where measurements are stored: `$GOSHAWK_CACHE`, else `goshawk/measurements` in the user's cache folder. */
export function measurementFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['GOSHAWK_CACHE'];
  if (given !== undefined && given !== '') return given;
  return userCacheFolder('measurements', env);
}

/**
 * Measurements on this machine, one small JSON file each. Nothing depends on them: a file that is truncated, too large,
 * not a regular file, or of another key or form is ignored with one log line and measured again, and a folder that
 * cannot be written is reported once.
 */
export class MeasurementCache {
  readonly folder: string;
  readonly #log: (line: string) => void;
  #toldOfFolder = false;

  /** @param log gets a line with a code for each file that cannot be used */
  constructor(log: (line: string) => void, folder: string = measurementFolder()) {
    this.folder = folder;
    this.#log = log;
  }

  /** The stored value for a key; null if there is none that can be used. Never rejects. */
  async read<T>(key: MeasurementKey, schema: z.ZodType<T>): Promise<T | null> {
    const file = this.#fileOf(key);
    try {
      const text = new TextDecoder().decode(await readRegularFile(file, MAX_BYTES));
      const entry = fileSchema.parse(parseJson(text));
      if (canonical(entry.key) !== canonical(key)) {
        throw new Error('it is for another bundle, machine or measurement than its name says');
      }
      return schema.parse(entry.value);
    } catch (error) {
      if (!isMissing(error)) this.#log(describeError(notUsed(file, error)));
      return null;
    }
  }

  /** Stores a value atomically. Never rejects. */
  async write(key: MeasurementKey, value: unknown): Promise<void> {
    const file = this.#fileOf(key);
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o755 });
      const entry = { schema: 'goshawk.measurement/1', measuredAt: new Date().toISOString(), key, value };
      await writeFileWhole(file, `${JSON.stringify(entry, null, 2)}\n`);
      await this.#prune();
    } catch (error) {
      if (!this.#toldOfFolder) this.#log(describeError(notKept(this.folder, error)));
      this.#toldOfFolder = true;
    }
  }

  #fileOf(key: MeasurementKey): string {
    return join(this.folder, `${sha256Of(canonical(key))}.json`);
  }

  async #prune(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
    if (names.length <= MAX_FILES) return;
    const files = await Promise.all(
      names.map(async (name) => ({ name, writtenMs: (await stat(join(this.folder, name))).mtimeMs })),
    );
    files.sort((a, b) => a.writtenMs - b.writtenMs);
    for (const { name } of files.slice(0, files.length - MAX_FILES)) {
      await rm(join(this.folder, name), { force: true });
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** The same text for any order of the fields. */
function canonical(key: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error).replaceAll('\n', ' ');
  return error instanceof Error ? error.message : String(error);
}

function notUsed(file: string, error: unknown): GoshawkError {
  return new GoshawkError('GOSHAWK_CACHE_IGNORED', { file, reason: reasonOf(error) });
}

function notKept(folder: string, error: unknown): GoshawkError {
  return new GoshawkError('GOSHAWK_CACHE_UNWRITABLE', { folder, reason: reasonOf(error) });
}
