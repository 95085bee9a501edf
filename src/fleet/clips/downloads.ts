import type { FileHandle } from 'node:fs/promises';
import { FilePart, type ByteRange } from '../../platform/file-part.ts';

/** Downloads at a time, and those of one token or address: each holds a file open. */
const MAX_DOWNLOADS = 16;
const MAX_OF_ONE = 4;
const LOOK_MS = 15_000;
/** Without a byte taken for so long, the client is gone or does not read. */
const STALLED_MS = 60_000;

/**
 * How a download ended.
 * - `read`: to its last byte
 * - `left`: the client went before
 * - `stalled`: the client took nothing for a minute, and was cut off
 * - `dismissed`: the token ended meanwhile
 * - `failed`: it could not be noted in the audit, or the file could not be read any further
 */
export type DownloadEnd = 'read' | 'left' | 'stalled' | 'dismissed' | 'failed';

export interface DownloadsOptions {
  /** monotonic */
  readonly nowMs: () => number;
  readonly onEnd: (end: DownloadEnd) => void;
}

/** Who downloads. */
export interface Downloader {
  /** token or address: each may have a few downloads */
  readonly key: string;
  /** whether its token is still good */
  readonly isAllowed: () => Promise<boolean>;
}

interface Download extends Downloader {
  readonly part: FilePart;
  /** bytes that were read when it was looked at last, and since when there are no more */
  bytes: number;
  sinceMs: number;
  /** why it was cut off */
  end: DownloadEnd | null;
}

/** Files that are being sent: few at a time, only to who reads them, and only as long as they may. */
export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #running = new Set<Download>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  /** Those that run. */
  get running(): number {
    return this.#running.size;
  }

  /** Whether one more of this token or address could begin. */
  hasRoom(key: string): boolean {
    const own = [...this.#running].filter((one) => one.key === key).length;
    return own < MAX_OF_ONE && this.#running.size < MAX_DOWNLOADS;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  /** Ends all of them. */
  stop(): void {
    clearInterval(this.#timer);
    for (const { part } of this.#running) part.destroy();
  }

  /**
   * A part of a file, to be sent; null if all places are taken. The file is closed in the end, whatever happens.
   * @param note is done before the first byte leaves
   * @throws what `note` throws
   */
  async begin(
    file: FileHandle,
    range: ByteRange,
    who: Downloader,
    note: () => Promise<void>,
  ): Promise<FilePart | null> {
    const part = new FilePart(file, range);
    if (!this.hasRoom(who.key)) {
      part.destroy();
      return null;
    }
    const download: Download = { ...who, part, bytes: 0, sinceMs: this.#options.nowMs(), end: null };
    this.#running.add(download);
    part.once('close', () => this.#leave(download));
    // whoever sends it listens too, but not yet
    part.on('error', () => undefined);
    try {
      await note();
    } catch (error) {
      cutOff(download, 'failed');
      throw error;
    }
    return part;
  }

  /** Cuts off who does not read, or may not any more. Never throws. */
  async look(): Promise<void> {
    const nowMs = this.#options.nowMs();
    for (const download of [...this.#running]) {
      const { bytesRead } = download.part;
      if (bytesRead !== download.bytes) {
        download.bytes = bytesRead;
        download.sinceMs = nowMs;
      } else if (nowMs - download.sinceMs >= STALLED_MS) cutOff(download, 'stalled');
      // while the database is away, which /healthz says, who was let in goes on
      if (!(await download.isAllowed().catch(() => true))) cutOff(download, 'dismissed');
    }
  }

  #leave(download: Download): void {
    this.#running.delete(download);
    const { part, end } = download;
    this.#options.onEnd(end ?? (part.isRead ? 'read' : part.errored === null ? 'left' : 'failed'));
  }
}

function cutOff(download: Download, end: DownloadEnd): void {
  download.end ??= end;
  // an error, so that the connection ends too: the client was told of more bytes
  download.part.destroy(new Error(end));
}
