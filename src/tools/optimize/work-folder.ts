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
 * Numbers, texts, lists and objects: what a step depends on. Written in one way only, so that equal inputs
 * have equal digests.
 */
export type StepInputs = Readonly<Record<string, unknown>>;

/** A step that is finished. */
export interface StepResult<T> {
  readonly value: T;
  /** digest of the inputs */
  readonly key: string;
  /** sha256 of each file that it made, by the name the step knows it by */
  readonly files: Readonly<Record<string, string>>;
  readonly seconds: number;
  /** true if an earlier run did it */
  readonly reused: boolean;
}

/** Where a step puts its files; the name is its own, such as `model.onnx`. */
export type PlaceOf = (name: string) => string;

const recordSchema = z.object({
  step: z.string(),
  result: z.unknown(),
  files: z.record(z.string(), z.string()),
  seconds: z.number(),
});

/**
 * Everything that a search has finished, so that a run that was killed goes on where it stopped: each step's
 * result is a file named by the digest of the step's inputs, written only when the step is done. One process
 * works in a folder at a time.
 */
export class WorkFolder {
  readonly folder: string;
  /** steps of this run that had to be done */
  done = 0;
  /** steps of this run that an earlier one had done */
  recalled = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Makes or opens the folder. Throws GOSHAWK_OPTIMIZE_BUSY or GOSHAWK_OUTPUT_REFUSED.
   * @param fresh forgets what earlier runs did
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

  /** File of a step with such a key. */
  place(key: string, name: string): string {
    return join(this.folder, 'files', `${key.slice(0, 24)}-${name}`);
  }

  /**
   * Does a step, or takes its result from an earlier run with the same inputs if its files are still what they were.
   *
   * @param name of the step, for people who look into the folder
   * @param inputs all that the result depends on
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
      // not there, cut short, of another version, or a file of it is gone: the step is done again
      return null;
    }
  }

  /** Bytes that are free on the folder's disk. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  /** Bytes that the folder holds. */
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

/** A full disk and a folder that cannot be written have codes of their own; everything else stays what it is. */
export function writeError(folder: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return UNWRITABLE.has(code) ? outputError(folder, error) : error;
}
