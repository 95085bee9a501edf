import { join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import type { ImageSize } from '../../core/image/image-header.ts';
import { decodeToRgb } from '../imaging/decode-image.ts';
import { listImageFiles, readImageFile } from '../imaging/image-file.ts';
import { refuse, type Refusal } from '../../core/refusal.ts';
import type { FeedEvents, FeedFrame, FrameFeed } from './feed.ts';

export interface DirFeedOptions {
  readonly path: string;
  /** pass the files on unchanged instead of decoding them */
  readonly compressed: boolean;
  /** the size that decoded images are scaled to fit */
  readonly size?: ImageSize;
}

/**
 * The JPEG and PNG files of a folder in the order of their names, in an endless loop. Files that do not
 * decode are skipped and counted.
 */
export class DirFeed implements FrameFeed {
  readonly description: string;
  unreadable = 0;
  readonly #options: DirFeedOptions;
  #files: readonly string[] = [];
  #index = 0;
  #isClosed = false;
  #events: FeedEvents = { onUnreadable: () => undefined, onNotice: () => undefined };

  constructor(options: DirFeedOptions) {
    this.#options = options;
    this.description = `images of ${options.path}`;
  }

  async open(events: FeedEvents): Promise<void> {
    this.#events = events;
    const { path } = this.#options;
    try {
      this.#files = await listImageFiles(path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new GoshawkError('GOSHAWK_CAMERA_UNUSABLE', { camera: `dir:${path}`, reason }, { cause: error });
    }
    if (this.#files.length === 0) this.#refuse('there is no .jpg, .jpeg or .png file in it');
  }

  async next(): Promise<FeedFrame | undefined> {
    let last = '';
    for (let tries = 0; tries < this.#files.length && !this.#isClosed; tries += 1) {
      const name = this.#files[this.#index++ % this.#files.length]!;
      const frame = await this.#read(join(this.#options.path, name));
      if ('image' in frame) return frame;
      this.unreadable += 1;
      last = `${name}: ${frame.detail}`;
      this.#events.onUnreadable(frame.reason, last);
    }
    if (this.#isClosed) return undefined;
    return this.#refuse(`none of its images can be read; the last is ${last}`);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  async #read(file: string): Promise<FeedFrame | Refusal> {
    const { compressed, size } = this.#options;
    try {
      const admitted = await readImageFile(file);
      if (!admitted.ok) return admitted;
      return { image: compressed ? admitted.view : await decodeToRgb(admitted.view, size) };
    } catch (error) {
      return refuse('corrupt_image', error instanceof Error ? error.message : String(error));
    }
  }

  #refuse(reason: string): never {
    throw new GoshawkError('GOSHAWK_CAMERA_UNUSABLE', { camera: `dir:${this.#options.path}`, reason });
  }
}
