import { mkdir, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GoshawkError } from '../../contract/errors.ts';
import { sha256OfFile } from '../../model/bundle.ts';
import { writeFileWhole } from '../../platform/atomic-file.ts';
import { sha256Of } from '../../platform/digest.ts';
import { outputError } from '../../platform/outputs.ts';
import { tryLock, unlock } from './lock.ts';

/**
 * What a step depends on: numbers, strings, lists and objects. Serialized in one canonical way, so that equal
 * inputs have equal digests.
 */
export type StepInputs = Readonly<Record<string, unknown>>;

/** A finished step. */
export interface StepResult<T> {
  readonly value: T;
  /** digest of the inputs */
  readonly key: string;
  /** sha256 of each file that it made, by the step's own name for it */
  readonly files: Readonly<Record<string, string>>;
  readonly seconds: number;
  /** true if an earlier run did it */
  readonly reused: boolean;
}

/** Returns the path for a file of a step, by the step's own name for it, such as `model.onnx`. */
export type PlaceOf = (name: string) => string;

const recordSchema = z.object({
  step: z.string(),
  result: z.unknown(),
  files: z.record(z.string(), z.string()),
  seconds: z.number(),
});

/**
 * The finished steps of a search, so that a run that was killed continues where it stopped: each step's
 * result is a file named by the digest of the step's inputs, written only when the step is done. Only one
 * process at a time works in a folder.
 */
export class WorkFolder {
  readonly folder: string;
  /** number of steps done in this run */
  done = 0;
  /** number of steps reused from an earlier run */
  recalled = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Creates or opens the folder. Throws GOSHAWK_OPTIMIZE_BUSY or GOSHAWK_OUTPUT_REFUSED.
   * @param fresh discards the steps of earlier runs
   */
  static async open(folder: string, fresh: boolean): Promise<WorkFolder> {
    try {
      await mkdir(join(folder, 'steps'), { recursive: true });
      await mkdir(join(folder, 'files'), { recursive: true });
      const pid = await tryLock(join(folder, 'lock'));
      if (pid !== null) throw new GoshawkError('GOSHAWK_OPTIMIZE_BUSY', { pid, folder });
      if (fresh) {
        for (const name of ['steps', 'files']) {
          await rm(join(folder, name), { recursive: true, force: true });
          await mkdir(join(folder, name));
        }
      }
    } catch (error) {
      if (error instanceof GoshawkError) throw error;
      throw writeError(folder, error);
    }
    return new WorkFolder(folder);
  }

  /** The file of a step with this key. */
  place(key: string, name: string): string {
    return join(this.folder, 'files', `${key.slice(0, 24)}-${name}`);
  }

  /**
   * Does a step, or reuses its result from an earlier run with the same inputs if its files are unchanged.
   * @param name of the step, for people who look into the folder
   * @param inputs everything that the result depends on
   * @param files names of the files that `work` may make
   */
  async step<T>(
    name: string,
    inputs: StepInputs,
    schema: z.ZodType<T>,
    files: readonly string[],
    work: (place: PlaceOf) => Promise<T>,
  ): Promise<StepResult<T>> {
    const key = digestOf({ name, inputs });
    const record = join(this.folder, 'steps', `${name}-${key.slice(0, 24)}.json`);
    const known = await this.#recall(record, key, schema);
    if (known !== null) {
      this.recalled += 1;
      return known;
    }
    this.done += 1;
    const started = performance.now();
    const place = (file: string): string => this.place(key, file);
    try {
      const value = await work(place);
      const digests: Record<string, string> = {};
      for (const file of files)
        if (await isThere(place(file))) digests[file] = await sha256OfFile(place(file));
      const seconds = (performance.now() - started) / 1000;
      const text = JSON.stringify({ step: name, inputs, result: value, files: digests, seconds }, null, 1);
      await writeFileWhole(record, text);
      return { value, key, files: digests, seconds, reused: false };
    } catch (error) {
      throw writeError(this.folder, error);
    }
  }

  async #recall<T>(record: string, key: string, schema: z.ZodType<T>): Promise<StepResult<T> | null> {
    try {
      const { result, files, seconds } = recordSchema.parse(JSON.parse(await readFile(record, 'utf8')));
      const value = schema.parse(result);
      for (const [name, digest] of Object.entries(files)) {
        if ((await sha256OfFile(this.place(key, name))) !== digest) return null;
      }
      return { value, key, files, seconds, reused: true };
    } catch {
      // missing, truncated, of another version, or without one of its files: the step is done again
      return null;
    }
  }

  /** Free bytes on the folder's disk. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  /** Size of the folder in bytes. */
  async usedBytes(): Promise<number> {
    const names = await readdir(join(this.folder, 'files'));
    const sizes = await Promise.all(names.map((name) => stat(join(this.folder, 'files', name))));
    return sizes.reduce((sum, { size }) => sum + size, 0);
  }

  async close(): Promise<void> {
    await unlock(join(this.folder, 'lock'));
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** sha256 over a value as JSON with sorted keys. */
export function digestOf(value: unknown): string {
  const sorted = (_key: string, entry: unknown): unknown =>
    entry !== null && typeof entry === 'object' && !Array.isArray(entry)
      ? Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
      : entry;
  return sha256Of(JSON.stringify(value, sorted));
}

const UNWRITABLE: ReadonlySet<unknown> = new Set([
  ...['ENOSPC', 'EDQUOT'],
  ...['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'],
]);

/** Maps a full disk and an unwritable folder to their error codes; other errors are returned unchanged. */
export function writeError(folder: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return UNWRITABLE.has(code) ? outputError(folder, error) : error;
}
