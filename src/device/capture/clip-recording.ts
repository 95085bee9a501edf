import { createHash, randomBytes } from 'node:crypto';
import type { ClipRecord, ClipPrivacy, ClipTrigger } from '../../contract/clips.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { clipImage } from './clip-image.ts';
import type { ClipFile } from './clip-file.ts';
import type { ClipStore } from './clip-store.ts';
import { ClipWriter } from './clip-writer.ts';
import type { KeptFrame } from './kept-frame.ts';

export interface RecordingOptions {
  readonly trigger: ClipTrigger;
  readonly cameras: readonly string[];
  readonly labels: readonly string[];
  /** what runs: asked once the first frame is there, since a model may still be loading before */
  readonly bundle: () => ClipRecord['bundle'];
  readonly privacy: ClipPrivacy;
  /** frames from before, held for this recording, oldest first */
  readonly before: readonly KeptFrame[];
  /** when it was asked for, monotonic milliseconds: its name has that time */
  readonly atMs: number;
  /** monotonic milliseconds after which frames belong to it no more */
  readonly untilMs: number;
  /** milliseconds from the monotonic to the wall clock: one for all of its frames, whatever happens to that clock */
  readonly wallOffsetMs: number;
  /** bytes of images that may wait to be written */
  readonly maxWaiting: number;
}

const EMPTY_SHA256 = createHash('sha256').digest('hex');

/** One clip while it is recorded. Frames wait for the disk here, never on the path of frames. */
export class ClipRecording {
  readonly cameras: ReadonlySet<string>;
  readonly #store: ClipStore;
  readonly #options: RecordingOptions;
  readonly #waiting: KeptFrame[] = [];
  #waitingBytes = 0;
  #frames = 0;
  #missed = 0;
  #span: readonly [number, number] | null = null;
  #isOver = false;
  #wake: (() => void) | null = null;
  #record: ClipRecord;

  constructor(store: ClipStore, options: RecordingOptions) {
    this.#store = store;
    this.#options = options;
    this.cameras = new Set(options.cameras);
    this.#record = emptyRecord(options);
    for (const frame of options.before) this.#enqueue(frame);
  }

  get clip(): string {
    return this.#record.clip;
  }

  /** frames that it lacks so far */
  get missed(): number {
    return this.#missed;
  }

  /** A frame of one of its cameras; it is held if it belongs to the clip. */
  offer(frame: KeptFrame): void {
    if (this.#isOver || !this.cameras.has(frame.envelope.camera)) return;
    if (frame.envelope.receivedAt > this.#options.untilMs) this.finish();
    else if (this.#waitingBytes + frame.bytes > this.#options.maxWaiting) this.#missed += 1;
    else this.#enqueue(frame.hold());
  }

  /** Whether no frame can belong to it any more. */
  isOverAt(nowMs: number): boolean {
    return this.#isOver || nowMs > this.#options.untilMs;
  }

  /** No more frames come. */
  finish(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /**
   * Writes until it is over.
   * @returns the record of the clip; null if there was no frame
   * @throws what the file system throws, and GoshawkError GOSHAWK_CAPTURE_REFUSED without room; what was written is
   * kept as far as it can be read
   */
  async write(): Promise<ClipRecord | null> {
    let file: ClipFile | null = null;
    try {
      await this.#someFrame();
      // whoever asked for the clip takes its file for a sign that frames come
      if (this.#waiting.length === 0) return null;
      this.#record = { ...this.#record, bundle: this.#options.bundle() };
      file = await this.#store.create(this.#record);
      const writer = new ClipWriter(file, this.#options.labels);
      await writer.start(metadataOf(this.#record));
      for (let frame = await this.#next(); frame !== null; frame = await this.#next())
        await this.#add(writer, file, frame);
      await writer.end();
      return await this.#close(file);
    } catch (error) {
      await file?.abandon();
      await this.#store
        .recover({ ...this.#record, missed: this.#missed })
        .catch(() => this.#store.discard(this.clip).catch(() => undefined));
      throw error;
    } finally {
      this.finish();
      for (const frame of this.#waiting.splice(0)) frame.letGo();
    }
  }

  async #add(writer: ClipWriter, file: ClipFile, frame: KeptFrame): Promise<void> {
    const { privacy, wallOffsetMs } = this.#options;
    try {
      const image = await clipImage(frame, privacy).catch(() => undefined);
      if (image === undefined) {
        this.#missed += 1;
        return;
      }
      await this.#requireRoom(file.bytes, image?.data.length ?? 0);
      const wallMs = frame.envelope.receivedAt + wallOffsetMs;
      await writer.add(frame, image, BigInt(Math.round(wallMs * 1e6)));
      this.#frames += 1;
      this.#span = [this.#span?.[0] ?? wallMs, wallMs];
    } finally {
      frame.letGo();
    }
  }

  async #requireRoom(written: number, more: number): Promise<void> {
    if (written + more > this.#store.maxClipBytes)
      throw noRoom('a clip is larger than half of capture_budget_mb, or than 2 GiB, and ends there');
    if (await this.#store.makeRoom(more, this.clip)) return;
    throw noRoom('capture_budget_mb is used up by clips that are protected, sent or recorded now');
  }

  async #close(file: ClipFile): Promise<ClipRecord | null> {
    const sha256 = await file.finish();
    if (this.#span === null) {
      await this.#store.discard(this.clip);
      return null;
    }
    const [start, end] = this.#span.map(iso) as [string, string];
    const counts = { frames: this.#frames, missed: this.#missed, bytes: file.bytes };
    const record = { ...this.#record, start, end, ...counts, sha256, complete: true };
    await this.#store.keep(record);
    // the index and what waited for a chunk came on top of what was asked for
    await this.#store.makeRoom(0, this.clip);
    return record;
  }

  #enqueue(held: KeptFrame): void {
    this.#waiting.push(held);
    this.#waitingBytes += held.bytes;
    this.#wake?.();
  }

  /** Resolves once a frame waits, or at the end. */
  async #someFrame(): Promise<void> {
    while (this.#waiting.length === 0 && !this.#isOver)
      await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** The oldest frame that waits, as soon as there is one; null at the end. */
  async #next(): Promise<KeptFrame | null> {
    await this.#someFrame();
    const frame = this.#waiting.shift() ?? null;
    this.#waitingBytes -= frame?.bytes ?? 0;
    return frame;
  }
}

function noRoom(reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_CAPTURE_REFUSED', { reason });
}

function emptyRecord({ trigger, cameras, privacy, atMs, wallOffsetMs }: RecordingOptions): ClipRecord {
  const at = iso(atMs + wallOffsetMs);
  const name = at.replaceAll(/[-:]|\.\d+/g, '');
  return {
    schema: 'goshawk.clip/1',
    clip: `${name}-${trigger.reason}-${randomBytes(3).toString('hex')}`,
    reason: trigger.reason,
    text: trigger.text,
    cameras: [...cameras],
    start: at,
    end: at,
    frames: 0,
    missed: 0,
    bytes: 0,
    sha256: EMPTY_SHA256,
    bundle: null,
    privacy,
    complete: false,
    isProtected: trigger.isProtected,
  };
}

/** What the file itself says about the clip, wherever it goes. */
function metadataOf({ clip, reason, text, cameras, bundle, privacy }: ClipRecord): Record<string, string> {
  return {
    clip,
    reason,
    text,
    cameras: cameras.join(' '),
    privacy,
    bundle: bundle === null ? '' : `${bundle.name}@${bundle.version}`,
    bundleDigest: bundle?.digest ?? '',
  };
}

const iso = (wallMs: number): string => new Date(wallMs).toISOString();
