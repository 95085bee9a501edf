import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { clipRecordSchema, clipIdSchema, MAX_CLIP_BYTES, type ClipRecord } from '../../contract/clips.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { writeFileWhole } from '../../platform/atomic-file.ts';
import { errorText } from '../../platform/error-text.ts';

import { readRegularFile } from '../../platform/regular-file.ts';
import { sha256OfFile } from '../../model/bundle.ts';
import { McapRecording } from '../recording/mcap-recording.ts';
import { ClipFile } from './clip-file.ts';

const MAX_RECORD_BYTES = 64 << 10;
const RECORD = '.json';
const FILE = '.mcap';

/**
 * The clips in a folder: for each a file and, beside it, its record, which is there first. A clip whose record is not
 * complete was cut short; it is kept as far as it can be read. Files of others are left alone.
 */
export class ClipStore {
  readonly #folder: string;
  readonly #budgetBytes: number;
  /** oldest first */
  readonly #clips = new Map<string, ClipRecord>();
  /** files of clips that are being recorded: their bytes are on the disk too */
  readonly #open = new Map<string, ClipFile>();
  /** clips that are being read, by how many */
  readonly #reading = new Map<string, number>();
  #removed = 0;
  /** clips that were found cut short when the folder was opened */
  readonly recovered: ClipRecord[] = [];

  /**
   * @param warn gets a line for each clip that cannot be used
   * @throws GoshawkError GOSHAWK_CAPTURE_UNWRITABLE
   */
  static async open(folder: string, budgetBytes: number, warn: (line: string) => void): Promise<ClipStore> {
    const store = new ClipStore(folder, budgetBytes);
    try {
      await mkdir(folder, { recursive: true, mode: 0o750 });
      for (const name of (await readdir(folder)).sort())
        if (name.endsWith(RECORD)) await store.#load(name.slice(0, -RECORD.length), warn);
    } catch (error) {
      throw unwritable(folder, error);
    }
    return store;
  }

  private constructor(folder: string, budgetBytes: number) {
    this.#folder = folder;
    this.#budgetBytes = budgetBytes;
  }

  get clips(): readonly ClipRecord[] {
    return [...this.#clips.values()];
  }

  get bytes(): number {
    return bytesOf(this.clips);
  }

  /** A clip that takes more pushes out too many others, or cannot be offered once its index is written. */
  get maxClipBytes(): number {
    return Math.min(this.#budgetBytes, MAX_CLIP_BYTES) / 2;
  }

  /** clips that made room for others */
  get removed(): number {
    return this.#removed;
  }

  find(clip: string): ClipRecord | undefined {
    return this.#clips.get(clip);
  }

  /** Only for a clip of `clips`: names from elsewhere are looked up first. */
  pathOf({ clip }: Pick<ClipRecord, 'clip'>): string {
    return join(this.#folder, `${clip}${FILE}`);
  }

  /**
   * Begins a clip: its record, which says that it is not complete, then its file.
   * @throws what the file system throws
   */
  async create(record: ClipRecord): Promise<ClipFile> {
    await this.#write(record);
    const file = await ClipFile.create(this.pathOf(record));
    this.#open.set(record.clip, file);
    return file;
  }

  /** A clip is complete. @throws what the file system throws */
  async keep(record: ClipRecord): Promise<void> {
    await this.#write(record);
    this.#know(record);
  }

  /**
   * Removes the oldest clips that nobody protects or reads until there is room, or none if there would still be none.
   * @param bytes on top of the clips that are there and those that are being recorded
   * @param clip that needs them, and stays itself
   * @returns false if there is no room: the budget is used up by clips that must stay
   */
  async makeRoom(bytes: number, clip: string): Promise<boolean> {
    for (;;) {
      const excess = this.bytes + this.#openBytes + bytes - this.#budgetBytes;
      if (excess <= 0) return true;
      const removable = this.clips.filter(
        (it) => !it.isProtected && !this.#reading.has(it.clip) && it.clip !== clip,
      );
      const [oldest] = removable;
      if (oldest === undefined || bytesOf(removable) < excess) return false;
      await this.discard(oldest.clip);
      this.#removed += 1;
    }
  }

  /** @throws what the file system throws */
  async discard(clip: string): Promise<void> {
    this.#clips.delete(clip);
    this.#open.delete(clip);
    await rm(this.pathOf({ clip }), { force: true });
    await rm(this.#recordOf(clip), { force: true });
  }

  /**
   * A clip that was cut short, counted and kept as far as it can be read, also on a disk without room for its record:
   * the one that is there says that it is not complete, so the next start counts again. Null if nothing can be read.
   */
  async recover(record: ClipRecord): Promise<ClipRecord | null> {
    const found = await readable(this.pathOf(record));
    if (found === null) {
      await this.discard(record.clip);
      return null;
    }
    const recovered = { ...record, ...found };
    this.#know(recovered);
    await this.#write(recovered).catch(() => undefined);
    return recovered;
  }

  /** Keeps a clip from being removed while `read` runs. */
  async reading<T>(clip: string, read: () => Promise<T>): Promise<T> {
    this.#reading.set(clip, (this.#reading.get(clip) ?? 0) + 1);
    try {
      return await read();
    } finally {
      const left = (this.#reading.get(clip) ?? 1) - 1;
      if (left === 0) this.#reading.delete(clip);
      else this.#reading.set(clip, left);
    }
  }

  async #load(clip: string, warn: (line: string) => void): Promise<void> {
    if (!clipIdSchema.safeParse(clip).success) return;
    try {
      const text = new TextDecoder().decode(await readRegularFile(this.#recordOf(clip), MAX_RECORD_BYTES));
      const record = clipRecordSchema.parse(JSON.parse(text));
      if (record.clip !== clip) throw new Error(`its record is that of ${record.clip}`);
      if (await isWhole(this.pathOf(record), record)) this.#clips.set(clip, record);
      else await this.#recoverAtStart(record, warn);
    } catch (error) {
      warn(`clip ${clip} is left alone, since its record cannot be read: ${errorText(error)}`);
    }
  }

  async #recoverAtStart(record: ClipRecord, warn: (line: string) => void): Promise<void> {
    const recovered = await this.recover(record);
    if (recovered !== null) this.recovered.push(recovered);
    const words =
      recovered === null ? 'has nothing to read, and is removed' : `has ${recovered.frames} frames`;
    warn(`clip ${record.clip} was cut short: it ${words}`);
  }

  #know(record: ClipRecord): void {
    this.#open.delete(record.clip);
    this.#clips.set(record.clip, record);
  }

  get #openBytes(): number {
    return bytesOf([...this.#open.values()]);
  }

  #recordOf(clip: string): string {
    return join(this.#folder, `${clip}${RECORD}`);
  }

  async #write(record: ClipRecord): Promise<void> {
    await writeFileWhole(this.#recordOf(record.clip), `${JSON.stringify(record)}\n`);
  }
}

const bytesOf = (files: readonly { readonly bytes: number }[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0);

/** The error of a folder or disk that takes no clips. */
export function unwritable(folder: string, error: unknown): GoshawkError {
  if (error instanceof GoshawkError) return error;
  return new GoshawkError(
    'GOSHAWK_CAPTURE_UNWRITABLE',
    { folder, reason: errorText(error) },
    { cause: error },
  );
}

/** A file that a power cut emptied is shorter than its record says. */
async function isWhole(path: string, { complete, bytes }: ClipRecord): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.size === bytes && (complete || bytes > 0);
}

/** What can be read of a file: every frame has one message of statistics. Null for nothing. */
async function readable(
  path: string,
): Promise<Pick<ClipRecord, 'frames' | 'bytes' | 'sha256' | 'start' | 'end' | 'complete'> | null> {
  const recording = await McapRecording.open(path).catch(() => null);
  if (recording === null) return null;
  try {
    const topics = recording.topics.filter(({ name }) => name.endsWith('/statistics'));
    const spans = await Promise.all(topics.map(({ name }) => recording.span(name)));
    const frames = topics.reduce((sum, { count }) => sum + count, 0);
    const [start, end] = spanOf(spans.flatMap((span) => (span === undefined ? [] : [span.first, span.last])));
    if (frames === 0) return null;
    const size = (await stat(path)).size;
    return { frames, start, end, complete: false, bytes: size, sha256: await sha256OfFile(path) };
  } finally {
    await recording.close();
  }
}

/** The first and the last of log times, in nanoseconds since the epoch. */
function spanOf(times: readonly bigint[]): readonly [string, string] {
  const sorted = times.map((time) => Number(time / 1_000_000n)).sort((a, b) => a - b);
  const iso = (ms = 0): string => new Date(ms).toISOString();
  return [iso(sorted[0]), iso(sorted.at(-1))];
}
